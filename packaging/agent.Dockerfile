# docker build -f packaging/agent.Dockerfile -t updraft-agent .
# The user id equals that of Airflow's image, so that both can use one volume.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
RUN apt-get update && apt-get install -y --no-install-recommends clang && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN dotnet publish src/Updraft.Agent -c Release -p:RestoreLockedMode=true -o /out

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0
# A new volume copies the owner of this directory, so the agent may write to it.
RUN mkdir /airflow && chown 50000:0 /airflow
COPY --from=build /out/updraft-agent /usr/local/bin/
USER 50000:0
ENTRYPOINT ["/usr/local/bin/updraft-agent"]
