# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Sourced by quickstart.sh and check.sh: install missing Debian packages, say what is being done.

say() { printf '\n== %s\n' "$*"; }

# install_packages NAME...: installs those that are missing. Elsewhere than on Debian it only says what is needed.
install_packages() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say "no apt-get here; these Debian packages, or what matches them, have to be present: $*"
        return 0
    fi
    missing=
    for package in "$@"; do
        # Any gnuplot will do, and gnuplot-nox would replace another one.
        if [ "$package" = gnuplot-nox ] && command -v gnuplot >/dev/null 2>&1; then continue; fi
        # npm often comes with a Node.js of another source, which Debian's would conflict with.
        if [ "$package" = npm ] && command -v npm >/dev/null 2>&1; then continue; fi
        # shellcheck disable=SC2016 # dpkg-query's own syntax
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
        [ "$state" = installed ] || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        say "all Debian packages are present"
        return 0
    fi
    root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            printf 'Run this as root, or install first:%s\n' "$missing" >&2
            return 1
        fi
        root=sudo
    fi
    say "installing Debian packages:$missing"
    # The lists may be old, or partly out of reach; only the installation has to succeed.
    $root apt-get -q update || printf 'apt-get update failed; going on with the lists at hand\n' >&2
    # shellcheck disable=SC2086 # a list of words; sudo may be empty
    $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
}

# Ninja where it exists, else CMake's default.
use_ninja() {
    if command -v ninja >/dev/null 2>&1; then CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja} && export CMAKE_GENERATOR; fi
}

# choose_blas_kernels PROGRAM: OpenBLAS takes its slowest kernels ("Prescott") on a processor that it is too old
# to know. If PROGRAM, which is linked with it, says so, better ones are chosen through the environment.
choose_blas_kernels() {
    if [ -n "${OPENBLAS_CORETYPE:-}" ] || [ ! -r /proc/cpuinfo ]; then return 0; fi
    core=$(OPENBLAS_VERBOSE=2 "$1" --help 2>&1 | sed -n 's/^Core: //p' | head -n 1)
    if [ "$core" != Prescott ]; then return 0; fi
    flags=" $(sed -n 's/^flags[^:]*: *//p' /proc/cpuinfo | head -n 1) "
    case $flags in
        *" avx512f "*) OPENBLAS_CORETYPE=SkylakeX ;;
        *" avx2 "*) OPENBLAS_CORETYPE=Haswell ;;
        *) return 0 ;;
    esac
    export OPENBLAS_CORETYPE
    say "this OpenBLAS does not know the processor; OPENBLAS_CORETYPE=$OPENBLAS_CORETYPE"
}
