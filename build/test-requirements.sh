# Sourced by test.sh: what the tests need besides the .NET SDK.

# Installs the real servers that tests talk to, unless they are there already. Tests start private servers on ports of their own.
install_test_requirements() {
  command -v dotnet >/dev/null || { echo "dotnet was not found; install the .NET SDK that global.json names" >&2; return 1; }
  local missing=()
  command -v etcd >/dev/null || missing+=(etcd-server)
  command -v etcdctl >/dev/null || missing+=(etcd-client)
  command -v bwrap >/dev/null || missing+=(bubblewrap)
  # For the examples.
  command -v montage >/dev/null || missing+=(imagemagick)
  command -v curl >/dev/null || missing+=(curl)
  command -v python3 >/dev/null || missing+=(python3)
  ((${#missing[@]})) || return 0

  command -v apt-get >/dev/null || { echo "install ${missing[*]}: this machine has no apt-get" >&2; return 1; }
  local as_root=()
  if (($(id -u) != 0)); then
    command -v sudo >/dev/null || { echo "install ${missing[*]}: neither root nor sudo is at hand" >&2; return 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq || return 1
  # RUNLEVEL=1 keeps the package from starting its service where there is no systemd.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || return 1
  # Only a service that came with this installation is stopped: one that was there before belongs to somebody.
  if [[ " ${missing[*]} " == *" etcd-server "* && -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl disable --now --quiet etcd.service || echo "note: could not stop etcd.service" >&2
  fi
  return 0
}
