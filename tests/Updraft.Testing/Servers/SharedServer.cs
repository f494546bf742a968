namespace Updraft.Testing;

/// <summary>One server for all tests of a class: for tests that do not disturb each other.</summary>
public class SharedServer : IAsyncLifetime
{
    private UpdraftServer? _server;

    internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

    private protected virtual IReadOnlyDictionary<string, string>? Settings => null;

    public async ValueTask InitializeAsync() => _server = await UpdraftServer.StartAsync(settings: Settings);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>One whose blobs are files in the data folder, whatever the other tests use.</summary>
public sealed class SharedFolderServer : SharedServer
{
    private protected override IReadOnlyDictionary<string, string>? Settings => TestStorage.Folder;
}
