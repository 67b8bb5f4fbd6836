# Reboots the node if it still is in the boot that was asked about: a pod that is started again after that does nothing.

# $1 is the id of that boot.
reboot_answer() {
  now=$(cat "$R/proc/sys/kernel/random/boot_id" 2>errors)
  if [ -z "$now" ]; then tell left reboot "its boot could not be read: $(said errors)"
  elif [ "$now" != "$1" ]; then tell refused reboot 'the node has booted since'
  elif ! nsenter --mount=/proc/1/ns/mnt -- sh -c 'command -v systemctl' >answer 2>errors; then tell refused reboot 'the node has no systemctl'
  elif [ "$act" != 1 ]; then tell would reboot 'it still is in that boot'
  # As `systemctl reboot` in a root shell: everything on the node is stopped in order, as far as it can be.
  elif ! nsenter --mount=/proc/1/ns/mnt -- systemctl reboot >answer 2>&1; then tell failed reboot "systemctl failed: $(said answer)"
  else
    # The shutdown ends this pod.
    sleep 300
    tell failed reboot 'it was told to reboot five minutes ago, and still runs'
  fi
}
if [ -n "$reboot" ]; then
  reboot_answer "$reboot" >answers
  print_answers
fi
