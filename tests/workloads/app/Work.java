// SPDX-License-Identifier: Apache-2.0
// What a Java service does. With the argument "unpack" it brings its native library along in an archive, as many do.
import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

public final class Work {
	private static long triangle(long n) {
		long sum = 0;
		for (int round = 0; round < 300; round++) {
			sum = 0;
			for (long i = 0; i < n; i++)
				sum += i;
		}
		return sum;
	}

	private static int serve() throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
		server.createContext("/", exchange -> {
			byte[] body = Long.toString(triangle(1000)).getBytes();
			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body);
			exchange.close();
		});
		server.start();
		int answers = 0;
		for (int i = 0; i < 20; i++) {
			try (InputStream in = new URL("http://127.0.0.1:" + server.getAddress().getPort() + "/").openStream()) {
				if (new String(in.readAllBytes()).equals("499500"))
					answers++;
			}
		}
		server.stop(0);
		return answers;
	}

	private static void unpack() throws Exception {
		Path file = Files.createTempFile("libwork", ".so");
		try (InputStream in = Work.class.getResourceAsStream("/libwork.so")) {
			Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
		}
		System.load(file.toString());
	}

	public static void main(String[] arguments) throws Exception {
		var pool = Executors.newFixedThreadPool(3);
		List<Future<Long>> sums = new ArrayList<>();
		for (int i = 1; i <= 6; i++) {
			long n = i * 500L;
			sums.add(pool.submit(() -> triangle(n)));
		}
		long total = 0;
		for (Future<Long> sum : sums)
			total += sum.get();
		pool.shutdown();
		String library = "a JNI library of the image loaded";
		if (arguments[0].equals("unpack")) {
			try {
				unpack();
				library = "its JNI library unpacked and loaded";
			} catch (UnsatisfiedLinkError error) {
				library = "its unpacked JNI library refused";
			}
		} else {
			System.loadLibrary("work");
		}
		int answers = serve();
		long milliseconds = ManagementFactory.getCompilationMXBean().getTotalCompilationTime();
		if (answers != 20 || total != LongStream.rangeClosed(1, 6).map(i -> i * 500 * (i * 500 - 1) / 2).sum() || milliseconds == 0)
			throw new IllegalStateException(answers + " answers, sum " + total + ", " + milliseconds + " ms");
		System.out.println("did: " + sums.size() + " tasks in 3 threads, " + answers + " requests answered, " + library +
			", " + milliseconds + " ms of just-in-time compiling");
	}
}
