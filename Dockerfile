# syntax=docker/dockerfile:1

# Scape in a container:
#
#   docker build -t scape .
#   docker run -d --name scape -p 3417:3417 -v scape:/var/lib/scape scape
#   docker exec -it scape scape top
#
# Wallets outside of the container need api.foreign = "0.0.0.0:3418" in the configuration,
# /var/lib/scape/.scape/scape.toml, and -p 127.0.0.1:3418:3418.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin scape \
    && cp target/release/scape /usr/local/bin/scape

FROM debian:trixie-slim
RUN useradd --uid 10001 --home-dir /var/lib/scape --shell /usr/sbin/nologin scape \
    && install -d -m 0700 -o scape -g scape /var/lib/scape
COPY --from=build /usr/local/bin/scape /usr/local/bin/scape
USER scape
WORKDIR /var/lib/scape
VOLUME /var/lib/scape
# Peers, on mainnet.
EXPOSE 3417
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["scape", "status"]
ENTRYPOINT ["scape"]
CMD ["run"]
