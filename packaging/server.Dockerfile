# docker build -f packaging/server.Dockerfile -t updraft-server .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish src/Updraft.Server -c Release -p:RestoreLockedMode=true -o /out

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# The subdirectory can be a separate volume, which an image registry may read.
RUN mkdir -p /data/registry && chown -R "$APP_UID" /data
COPY --from=build /out /app
USER $APP_UID
ENV UPDRAFT_Data=/data UPDRAFT_Listen=http://0.0.0.0:8888
VOLUME /data
EXPOSE 8888
ENTRYPOINT ["dotnet", "/app/Updraft.Server.dll"]
