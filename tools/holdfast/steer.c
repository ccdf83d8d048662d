// SPDX-License-Identifier: Apache-2.0
/* Orders to the daemon. Owns: how its answer is told. Must not know: what an order does. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/steer.h"

static void tell_refusal(const struct cli *cli, const struct cli_reply *reply)
{
	const char *file = cli_json_text(reply->json, "file"), *message = cli_json_text(reply->json, "message");

	if (message[0] == '\0')
		message = strerror(-reply->status);
	if (file[0] && cli_json_number(reply->json, "line") > 0)
		cli_error(cli, "%s:%lld:%lld: %s", file, (long long)cli_json_number(reply->json, "line"),
			  (long long)cli_json_number(reply->json, "column"), message);
	else if (file[0])
		cli_error(cli, "%s: %s", file, message);
	else
		cli_error(cli, "holdfastd: %s", message);
}

static void tell_success(const struct cli *cli, struct json_object *json)
{
	const char *message = cli_json_text(json, "message");
	_cleanup_(free_ptr) char *safe = cli_escape(message, strlen(message));

	fprintf(cli->out, "%s\n", safe && safe[0] ? safe : "done");
}

enum cli_exit cli_steer(const struct cli *cli, enum wire_type type, struct json_object *request)
{
	_cleanup_(cli_reply_release) struct cli_reply reply = { 0 };
	enum cli_exit code = cli_request(cli, type, request, &reply);

	if (code != CLI_EXIT_OK)
		return code;
	if (cli->output == CLI_OUTPUT_JSON)
		cli_json_print(cli, reply.json);
	else if (reply.status == 0)
		tell_success(cli, reply.json);
	else
		tell_refusal(cli, &reply);
	return reply.status < 0 ? CLI_EXIT_NEGATIVE : CLI_EXIT_OK;
}
