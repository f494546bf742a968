namespace Updraft.Server.Tests.Images;

/// <summary>CNCF Distribution. It trusts the tokens of one server.</summary>
internal sealed class RealRegistry : IAsyncDisposable
{
    private readonly RegistryProcess _process = new();

    /// <summary>Host and port.</summary>
    public string Host => _process.Host;

    /// <summary>Settings of a server that uses it.</summary>
    public Dictionary<string, string> Settings(params (string Name, string Value)[] more) =>
        new([KeyValuePair.Create("Registry", Host), KeyValuePair.Create("Images:RegistryUrl", $"http://{Host}"),
            .. more.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))]);

    /// <summary>Starts the registry. After <see cref="Stop"/>, it starts again with the same images.</summary>
    /// <param name="server">The server whose tokens the registry trusts.</param>
    /// <param name="deletes">Whether the registry allows clients to delete images.</param>
    public Task StartAsync(UpdraftServer server, bool deletes = true) => _process.StartAsync(server.BaseAddress,
        Path.Join(server.DataDirectory, "registry", "token-certificate.pem"),
        new Dictionary<string, string>(StringComparer.Ordinal) { ["REGISTRY_STORAGE_DELETE_ENABLED"] = deletes ? "true" : "false" });

    public void Stop() => _process.Stop();

    public ValueTask DisposeAsync()
    {
        _process.Dispose();
        return ValueTask.CompletedTask;
    }
}
