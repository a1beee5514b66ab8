#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A test failover and its clean-up, as a caller of migratekit-volumed does them. Replicated volumes are attached to a
# test VM, the VM is started and checked, and then everything is put back as it was.
#
#   VOLUMES='UUID UUID …' VM=UUID START_VM='…' STOP_VM='…' test-failover.sh [up|down]
#
# VOLUMES    ids of managed volumes that are attached to the appliance; the system disk first
# VM         id of a virtual machine that was deployed for this test and not started (startvm=false)
# DEPLOY_VM  in place of VM: a command that deploys such a VM and prints its id. Give that id as VM to all later calls
#            of this run.
# START_VM   commands that start and stop the VM. The VM's id is appended to them. They must return when it is done.
# STOP_VM    Example for CloudMonkey: START_VM='cmk start virtualmachine id='
# CHECK      a command that checks the running VM; the VM's id is appended (default: nothing is checked)
# RUN        a name for this run (default: the VM's id; needed with DEPLOY_VM). Called again with the same name, the
#            script goes on where it was interrupted: what has been done is not done twice.
# TRY        a number, to try `down` again after it failed and the cause is mended
# BUSCTL     default: busctl --system; for the private socket: busctl --address=unix:path=/run/migratekit/volumed.sock
#
# up: deploys the VM, snapshots the volumes, deletes the VM's own root volume, assigns the volumes, starts the VM.
# down: stops the VM, returns the volumes, reverts them and drops the snapshots, destroys the VM.
# Without either: up, CHECK, down. If `up` fails, call `down`: it puts everything back.
set -euo pipefail

name=org.migratekit.Volume1
manager=/org/migratekit/Volume1
read -ra volumes <<<"${VOLUMES:?the volumes, system disk first}"
vm=${VM:-}
run=${RUN:-${vm//-/_}}
: "${run:?VM, the id of the test VM, or RUN, a name for this run, and DEPLOY_VM}"
run=${run:0:48}
try=${TRY:-}
read -ra busctl <<<"${BUSCTL:-busctl --system}"

# request STEP INTERFACE METHOD SIGNATURE ARGUMENT...: the last argument's dictionary is written by hand. The token
# makes the operation's path known, and a repeated request the same operation.
request() {
	local step=$1 interface=$2
	shift 2
	echo "$step: $1"
	"${busctl[@]}" call "$name" "$manager" "$name.$interface" "$@" >/dev/null
	wait_for "${run}_$step"
}

# Until it has ended. A failed operation is an error, whose name and words busctl prints.
wait_for() {
	local reply
	while :; do
		reply=$("${busctl[@]}" call "$name" "$manager/operation/$1" "$name.Operation" Wait t 20000000)
		[[ $reply == *'"succeeded"'* ]] && break
	done
	echo "  $reply"
}

deploy() {
	local words
	read -ra words <<<"${DEPLOY_VM:?a command that deploys the VM, or VM}"
	vm=$("${words[@]}")
	echo "deploy: VM=$vm"
}

# run_command COMMAND: CloudMonkey wants id=UUID in one word.
run_command() {
	local words
	read -ra words <<<"$1"
	if [[ $1 == *= ]]; then
		words[-1]+=$vm
	else
		words+=("$vm")
	fi
	"${words[@]}"
}

up() {
	[[ -n $vm ]] || deploy
	request snapshot Failover Snapshot 'asa{sv}' ${#volumes[@]} "${volumes[@]}" 1 token s "${run}_snapshot"
	# CloudStack made it when the VM was deployed; the replica is to be the root disk
	request no_root TestVM DeleteRootVolume 'sa{sv}' "$vm" 1 token s "${run}_no_root"
	request assign Failover Assign 'assa{sv}' ${#volumes[@]} "${volumes[@]}" "$vm" \
		2 token s "${run}_assign" root s "${volumes[0]}"
	run_command "${START_VM:?a command that starts the VM}"
}

down() {
	: "${vm:?VM, the id of the test VM}"
	run_command "${STOP_VM:?a command that stops the VM}"
	request "return$try" Failover Return 'asa{sv}' ${#volumes[@]} "${volumes[@]}" \
		1 token s "${run}_return$try"
	# what the test wrote goes; this run's snapshots, and no others, go when every volume is what it was
	request "revert$try" Failover Revert 'asa{sv}' ${#volumes[@]} "${volumes[@]}" \
		3 token s "${run}_revert$try" operation s "${run}_snapshot" drop b true
	request "destroy$try" TestVM DestroyVM 'sa{sv}' "$vm" 1 token s "${run}_destroy$try"
}

case ${1:-all} in
up | down)
	"$1"
	;;
all)
	up
	[[ -z ${CHECK:-} ]] || run_command "$CHECK"
	down
	;;
*)
	sed -n '7s/^# *//p' "$0" >&2
	exit 2
	;;
esac
