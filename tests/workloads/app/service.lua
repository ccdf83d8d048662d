-- SPDX-License-Identifier: Apache-2.0
core.register_service("work", "http", function(applet)
	local text = "lua\n"
	applet:set_status(200)
	applet:add_header("content-length", #text)
	applet:start_response()
	applet:send(text)
end)
