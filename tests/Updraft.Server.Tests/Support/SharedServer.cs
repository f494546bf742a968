namespace Updraft.Server.Tests.Support;

/// <summary>One server for all tests of a class: for tests that do not disturb each other.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private UpdraftServer? _server;

    internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

    public async ValueTask InitializeAsync() => _server = await UpdraftServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
