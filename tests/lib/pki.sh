#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
#
# Makes a test public-key infrastructure with openssl and gost-engine: pki.sh DIRECTORY. Keys are for tests only; every
# run makes new ones. NAME.key and NAME.pem are made for
#
#   ca stranger-ca                         the anchor, and an authority nobody trusts (under the anchor's very name)
#   portal portal-new portal-512           senders (PGU001001): now, after a key change, GOST R 34.10-2012-512
#   portal-tca portal-2001                 the same: tc26 parameter set A of 256 bits, and GOST R 34.10-2001
#   smev other                             SMEV itself, and a trusted system that is not registered as a sender
#   agency-a agency-b                      who answers
#   stranger expired notyet revoked nousage  certificates that must be refused
#
# and ca.crl with `revoked` in it, trust.pem (the anchor). What exists is left alone, but for a list past its week.
set -euo pipefail
dir=$1
if [ -f "$dir/done" ]; then
    # An instance that is kept needs a revocation list that is fresh.
    [ -z "$(find "$dir/ca.crl" -mtime +7)" ] || (cd "$dir" && OPENSSL_CONF=$PWD/openssl.cnf openssl ca -gencrl -out ca.crl 2>>openssl.log)
    exit 0
fi
mkdir -p "$dir"
cd "$dir"
umask 077
unset OPENSSL_CONF

# No dynamic_path here: a file with it cannot be read twice by one process.
cat >openssl.cnf <<'END'
openssl_conf = init
[init]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
[ca]
default_ca = anchor
[anchor]
database = ./index.txt
new_certs_dir = .
serial = ./serial
crlnumber = ./crlnumber
certificate = ./ca.pem
private_key = ./ca.key
default_md = md_gost12_256
default_days = 365
default_crl_days = 30
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
organizationName = optional
countryName = optional
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[nousage]
basicConstraints = critical,CA:FALSE
keyUsage = critical,keyAgreement
END
export OPENSSL_CONF=$PWD/openssl.cnf

ssl() { openssl "$@" 2>>openssl.log || { tail -n 20 openssl.log >&2; echo "pki: openssl $1 failed in $dir" >&2; exit 1; }; }

key() { # NAME ALGORITHM PARAMSET
    ssl genpkey -engine gost -algorithm "$2" -pkeyopt "paramset:$3" -out "$1.key"
}

authority() { # NAME COMMON-NAME
    key "$1" gost2012_256 A
    ssl req -new -x509 -key "$1.key" -subj "/C=RU/O=zapisd tests/CN=$2" -days 3650 -extensions root -md_gost12_256 -out "$1.pem"
}

leaf() { # NAME COMMON-NAME ALGORITHM PARAMSET [EXTENSIONS [openssl ca ARGUMENTS]]
    local name=$1 cn=$2 alg=$3 set=$4 ext=${5:-leaf}
    shift 4
    [ $# -eq 0 ] || shift
    key "$name" "$alg" "$set"
    ssl req -new -key "$name.key" -subj "/C=RU/O=zapisd tests/CN=$cn" -out "$name.csr"
    ssl ca -batch -notext -in "$name.csr" -out "$name.pem" -extensions "$ext" "$@"
    rm -f "$name.csr"
}

: >index.txt
echo 1000 >serial
echo 01 >crlnumber
authority ca "Test CA"
authority stranger-ca "Test CA"

leaf portal "Test portal" gost2012_256 A
leaf portal-new "Test portal (next key)" gost2012_256 A
leaf portal-512 "Test portal (512)" gost2012_512 A
leaf portal-tca "Test portal (tc26)" gost2012_256 TCA
leaf portal-2001 "Test portal (2001)" gost2001 A
leaf smev "Test SMEV" gost2012_256 A
leaf other "Test other system" gost2012_256 A
leaf agency-a "Test agency A" gost2012_256 A
leaf agency-b "Test agency B" gost2012_512 A
leaf expired "Test expired" gost2012_256 A leaf -startdate 20200101000000Z -enddate 20210101000000Z
leaf notyet "Test not yet" gost2012_256 A leaf -startdate 20990101000000Z -enddate 20991231000000Z
leaf revoked "Test revoked" gost2012_256 A
leaf nousage "Test key agreement" gost2012_256 A nousage
leaf stranger "Test portal" gost2012_256 A leaf -cert stranger-ca.pem -keyfile stranger-ca.key
ssl ca -revoke revoked.pem -crl_reason keyCompromise
ssl ca -gencrl -out ca.crl
cp ca.pem trust.pem
rm -f [0-9A-F][0-9A-F][0-9A-F][0-9A-F].pem ./*.old ./*.attr
# Directories of tests are handed to a daemon that may run as somebody else.
chmod 644 ./*.pem ca.crl
touch done
