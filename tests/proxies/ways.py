"""Debian's nginx, haproxy and Caddy, each configured as their manuals do for WebSocket."""

from behind import PROXY_ADDRESS, Way

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"


def nginx_command(folder, path):
    return ["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", path]


def nginx_start(place):
    """One process, which a signal to it ends."""
    return f"""
daemon off; master_process off; pid {place.folder}/nginx.pid; error_log stderr;
events {{ worker_connections 256; }}
"""


def nginx_listen(place):
    if place.certificate is None:
        return f"listen 127.0.0.1:{place.port};"
    return f"listen 127.0.0.1:{place.port} ssl; ssl_certificate {place.certificate}; ssl_certificate_key {place.key};"


def nginx_http_with(*lines, location="/", upstream=""):
    """`lines` stand in its location; `upstream` is where the server's own paths begin."""

    def configure(place):
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {place.folder}/{kind}; " for kind in kinds)
        return nginx_start(place) + f"""
http {{
  access_log off; {temporary}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    {nginx_listen(place)}
    location {location} {{
      proxy_pass http://127.0.0.1:{place.server}{upstream};
      proxy_bind {PROXY_ADDRESS};
      {' '.join(lines)}
    }}
  }}
}}
"""

    return configure


NGINX_UPGRADE = ("proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
                 "proxy_set_header Connection $connection_upgrade; proxy_set_header Host $http_host;")
nginx_http = nginx_http_with(NGINX_UPGRADE, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
nginx_forwarded = nginx_http_with(NGINX_UPGRADE, 'proxy_set_header Forwarded "for=$remote_addr";')
nginx_folder = nginx_http_with(NGINX_UPGRADE, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
                               location="/chat/", upstream="/")
nginx_impatient = nginx_http_with(NGINX_UPGRADE, "proxy_read_timeout 1s;")
nginx_plain = nginx_http_with()


def nginx_stream(place):
    return f"load_module {NGINX_STREAM};" + nginx_start(place) + f"""
stream {{
  server {{
    {nginx_listen(place)}
    proxy_pass 127.0.0.1:{place.server};
    proxy_bind {PROXY_ADDRESS};
    proxy_protocol on;
  }}
}}
"""


def haproxy_command(_, path):
    return ["/usr/sbin/haproxy", "-db", "-f", path]


def haproxy_with(mode, server_options="", backend_lines=(), tunnel="60s"):
    """`server_options` stand on the line of the server, the others before it."""

    def configure(place):
        secure = ""
        if place.certificate is not None:
            secure = f" ssl crt {haproxy_certificate(place)}"
        lines = "".join(f"  {line}\n" for line in backend_lines)
        return f"""
global
  maxconn 256
  stats socket {place.folder}/stats.sock
defaults
  mode {mode}
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel {tunnel}
frontend front
  bind 127.0.0.1:{place.port}{secure}
  default_backend back
backend back
{lines}  server stoa 127.0.0.1:{place.server} source {PROXY_ADDRESS} {server_options}
"""

    return configure


def haproxy_certificate(place):
    """Certificate and key in one file, as it wants them."""
    path = f"{place.folder}/both.pem"
    with open(path, "w", encoding="ascii") as both:
        for part in (place.certificate, place.key):
            with open(part, encoding="ascii") as file:
                both.write(file.read())
    return path


haproxy_http = haproxy_with("http", backend_lines=["option forwardfor"])
haproxy_checked = haproxy_with("http", "check inter 100ms", ["option forwardfor", "option httpchk GET /"])
haproxy_folder = haproxy_with("http", backend_lines=[
    "option forwardfor", "http-request deny deny_status 404 unless { path_beg /chat/ }",
    r"http-request replace-path /chat/(.*) /\1"])
haproxy_impatient = haproxy_with("http", backend_lines=["option forwardfor"], tunnel="1s")
haproxy_v1 = haproxy_with("tcp", "send-proxy")
haproxy_v2 = haproxy_with("tcp", "send-proxy-v2")
haproxy_v2_tls = haproxy_with("tcp", "send-proxy-v2-ssl")



def caddy_command(folder, path):
    return ["env", f"HOME={folder}", f"XDG_DATA_HOME={folder}", f"XDG_CONFIG_HOME={folder}", "/usr/bin/caddy", "run",
            "--config", path, "--adapter", "caddyfile"]


def caddy_with(*lines):
    """`lines` stand in its site; without any it passes everything on."""

    def configure(place):
        scheme, secure = "http", ""
        if place.certificate is not None:
            scheme, secure = "https", f"tls {place.certificate} {place.key}"
        text = "\n  ".join(lines or ["reverse_proxy 127.0.0.1:{server}"]).replace("{server}", str(place.server))
        return f"""
{{
  admin off
  auto_https disable_redirects
}}
{scheme}://127.0.0.1:{place.port} {{
  {secure}
  {text}
}}
"""

    return configure


caddy_http = caddy_with()
caddy_folder = caddy_with("handle_path /chat/* {", "  reverse_proxy 127.0.0.1:{server}", "}")
# It cannot choose the address that it connects from.
CADDY_ADDRESS = "127.0.0.1"

# The client's address in a field of HTTP, or in front of the connection.
BY_FIELD = [
    Way("nginx", nginx_http, nginx_command),
    Way("nginx with TLS", nginx_http, nginx_command, tls=True),
    Way("haproxy", haproxy_http, haproxy_command),
    Way("haproxy with TLS", haproxy_http, haproxy_command, tls=True),
    Way("Caddy", caddy_http, caddy_command, address=CADDY_ADDRESS),
    Way("Caddy with TLS", caddy_http, caddy_command, tls=True, address=CADDY_ADDRESS),
]
BY_HEADER = [
    Way("nginx as a TCP proxy (PROXY v1)", nginx_stream, nginx_command, proxy_protocol=True),
    Way("nginx as a TCP proxy with TLS (PROXY v1)", nginx_stream, nginx_command, tls=True, proxy_protocol=True),
    Way("haproxy as a TCP proxy (PROXY v1)", haproxy_v1, haproxy_command, proxy_protocol=True),
    Way("haproxy as a TCP proxy (PROXY v2)", haproxy_v2, haproxy_command, proxy_protocol=True),
    Way("haproxy as a TCP proxy with TLS (PROXY v2)", haproxy_v2_tls, haproxy_command, tls=True, proxy_protocol=True),
]
BY_PLAIN_HEADER = [way for way in BY_HEADER if not way.tls]
ALL = BY_FIELD + BY_HEADER
FORWARDED = Way("nginx with the Forwarded field", nginx_forwarded, nginx_command)
NGINX_1_0 = Way("nginx without proxy_http_version", nginx_plain, nginx_command)
HAPROXY_CHECKED = Way("haproxy with option httpchk", haproxy_checked, haproxy_command)
# The server's root is a folder of the proxy's host.
IN_FOLDER = [
    Way("nginx in a folder", nginx_folder, nginx_command, root="/chat/"),
    Way("haproxy in a folder", haproxy_folder, haproxy_command, root="/chat/"),
    Way("Caddy in a folder", caddy_folder, caddy_command, root="/chat/", address=CADDY_ADDRESS),
]
# They end a connection on which nothing has come from the server for a second.
IMPATIENT = [
    Way("nginx that waits for a second", nginx_impatient, nginx_command),
    Way("haproxy that waits for a second", haproxy_impatient, haproxy_command),
]
