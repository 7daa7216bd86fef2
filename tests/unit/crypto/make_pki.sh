#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
#
# make_pki.sh DIRECTORY: keys, certificates and revocation lists for the unit tests of src/crypto, made with the openssl
# program, so that what is tested was made by somebody else. Several tests may start it at once: the first one works,
# the others wait. A directory made by another version of this file is made anew.
set -eu
dir=$1
mkdir -p "$dir"
me=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
exec 9>"$dir.lock"
flock 9
! cmp -s "$me" "$dir/made-by" || exit 0
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
umask 077

# Without dynamic_path: a file with it cannot be read twice by one process.
cat >openssl.cnf <<'END'
openssl_conf = init
[init]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
default_ca = root
[root]
database = ./root.index
crlnumber = ./root.crlnumber
certificate = ./root.pem
private_key = ./root.key
default_md = md_gost12_256
default_crl_days = 30
[inter]
database = ./inter.index
crlnumber = ./inter.crlnumber
certificate = ./inter.pem
private_key = ./inter.key
default_md = md_gost12_256
default_crl_days = 60
[imposter]
database = ./imposter.index
crlnumber = ./imposter.crlnumber
certificate = ./imposter.pem
private_key = ./imposter.key
default_md = md_gost12_256
default_crl_days = 30
[x_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[x_sign]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,nonRepudiation
[x_nonrep]
keyUsage = critical,nonRepudiation
[x_digital]
keyUsage = digitalSignature
[x_encipher]
keyUsage = critical,keyEncipherment,dataEncipherment,keyAgreement
[x_none]
subjectKeyIdentifier = hash
[x_strange]
keyUsage = critical,digitalSignature
1.2.643.99.1 = critical,ASN1:UTF8String:unknown
[x_server]
basicConstraints = CA:FALSE
keyUsage = digitalSignature,keyEncipherment,keyAgreement
subjectAltName = DNS:localhost
END
export OPENSSL_CONF=$dir/openssl.cnf

key() { # NAME ALGORITHM OPTION
    openssl genpkey -algorithm "$2" -pkeyopt "$3" -out "$1.key" 2>/dev/null
}
self() { # NAME SUBJECT DAYS EXTENSIONS
    openssl req -new -x509 -key "$1.key" -subj "$2" -utf8 -days "$3" -extensions "$4" -out "$1.pem" 2>/dev/null
}
serial=100
issue() { # NAME SUBJECT ISSUER DAYS EXTENSIONS
    serial=$((serial + 1))
    openssl req -new -key "$1.key" -subj "$2" -utf8 -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -set_serial $serial -days "$4" \
        -extfile openssl.cnf -extensions "$5" -out "$1.pem" 2>/dev/null
}
lists() { # SECTION FILE
    : >>"$1.index"
    [ -f "$1.crlnumber" ] || echo 01 >"$1.crlnumber"
    openssl ca -name "$1" -gencrl -out "$2" 2>/dev/null
}
revoke() { # SECTION CERTIFICATE
    : >>"$1.index"
    openssl ca -name "$1" -revoke "$2.pem" 2>/dev/null
}

key root gost2012_256 paramset:A && self root "/CN=Test root" 3650 x_ca
key imposter gost2012_256 paramset:A && self imposter "/CN=Test root" 3650 x_ca
key inter gost2012_256 paramset:TCA && issue inter "/CN=Test intermediate" root 2000 x_ca
key rsaroot RSA rsa_keygen_bits:2048 && self rsaroot "/CN=RSA root" 3650 x_ca

key g256a gost2012_256 paramset:A && issue g256a "/CN=Тестов Тест Тестович/O=Demo\, Ltd" root 365 x_sign
key g256tca gost2012_256 paramset:TCA && issue g256tca "/CN=g256tca" root 365 x_sign
key g256xa gost2012_256 paramset:XA && issue g256xa "/CN=g256xa" root 365 x_sign
key g512a gost2012_512 paramset:A && issue g512a "/CN=g512a" root 365 x_sign
key g512c gost2012_512 paramset:C && issue g512c "/CN=g512c" root 365 x_sign
key g2001a gost2001 paramset:A && issue g2001a "/CN=g2001a" root 365 x_sign

for name in other byinter revoked inter-revoked nonrep digital encipher none strange byleaf byimposter byrsa; do
    key $name gost2012_256 paramset:A
done
issue other "/CN=other" root 365 x_sign
issue byinter "/CN=byinter" inter 365 x_sign
issue revoked "/CN=revoked" root 365 x_sign
issue inter-revoked "/CN=inter-revoked" inter 365 x_sign
issue nonrep "/CN=nonrep" root 365 x_nonrep
issue digital "/CN=digital" root 365 x_digital
issue encipher "/CN=encipher" root 365 x_encipher
issue none "/CN=none" root 365 x_none
issue strange "/CN=strange" root 365 x_strange
issue byleaf "/CN=byleaf" g256a 365 x_sign
issue byimposter "/CN=byimposter" imposter 365 x_sign
issue byrsa "/CN=byrsa" rsaroot 365 x_sign
key rsaleaf RSA rsa_keygen_bits:2048 && issue rsaleaf "/CN=rsaleaf" root 365 x_sign

lists root root-empty.crl
lists inter inter-empty.crl
lists imposter imposter.crl
revoke root revoked
revoke inter inter-revoked
lists root root.crl
lists inter inter.crl
cat root.crl inter.crl >both.crl
cat root.pem rsaroot.pem >roots.pem
# A list that has the intermediate itself.
cp root.index root.index.kept
revoke root inter
lists root root-inter.crl
cat root-inter.crl inter.crl >inter-gone.crl

openssl pkey -in g256a.key -aes256 -passout pass:secret -out encrypted.key 2>/dev/null
head -c 300 /dev/urandom >garbage.pem
: >empty.pem
sed '3s/./!/5' g256a.pem >broken.pem
sed '3,$d' g256a.key >cut.key
cat g256a.pem g256a.key >both.pem

key tlsgost gost2012_256 paramset:A && issue tlsgost "/CN=localhost" root 3650 x_server
key tlsrsa RSA rsa_keygen_bits:2048 && self tlsrsa "/CN=localhost" 3650 x_server
key tlsec EC ec_paramgen_curve:P-256 && self tlsec "/CN=localhost" 3650 x_server
key clientca EC ec_paramgen_curve:P-256 && self clientca "/CN=Client CA" 3650 x_ca
key client EC ec_paramgen_curve:P-256 && issue client "/CN=client" clientca 3650 x_sign
key stranger EC ec_paramgen_curve:P-256 && self stranger "/CN=stranger" 3650 x_sign

for name in g256a g256tca g256xa g512a g512c g2001a; do
    openssl x509 -in $name.pem -outform DER -out $name.der
done
printf 'a message signed by the openssl program' >message
openssl dgst -md_gost12_256 -sign g256a.key -out g256a.sig message
openssl dgst -md_gost12_256 -sign g256tca.key -out g256tca.sig message
openssl dgst -md_gost12_256 -sign g256xa.key -out g256xa.sig message
openssl dgst -md_gost12_512 -sign g512a.key -out g512a.sig message
openssl dgst -md_gost12_512 -sign g512c.key -out g512c.sig message
openssl dgst -md_gost94 -sign g2001a.key -out g2001a.sig message
for name in g256a g256tca g512a; do
    openssl pkey -in $name.key -noout -text 2>/dev/null | sed -n "s/^Private key: *//p" >$name.d
done
cp "$me" made-by
