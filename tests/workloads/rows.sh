# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The workloads: name, image, time limit in seconds (of an emulated machine that is busy with other tests). What one does is
# /opt/work/NAME in its image (app/NAME here), or, where a container has to be started in a way of its own, life_NAME (life.sh).
# work_expected says what a workload is rightly denied or reported for, and why.

row_names=()
declare -A row_image=() row_seconds=()

rows_table() {
	cat <<-'END'
		nginx       services   180
		python      languages  180
		redis       services   180
		postgres    services   400
		php         services   240
		apache      services   240
		perl        languages  240
		ruby        languages  240
		luajit      languages  120
		busybox     services   120
		node        languages  300
		java        languages  600
		erlang      languages  300
		rabbitmq    languages  600
		entrypoint  services   180
	END
}

rows_read() {
	local name image seconds
	while read -r name image seconds; do
		row_names+=("$name")
		row_image[$name]=$image row_seconds[$name]=$seconds
	done < <(rows_table)
}
