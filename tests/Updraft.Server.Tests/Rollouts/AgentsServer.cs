using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>One server for the tests of a class; every test has a Deployment of its own.</summary>
public sealed class AgentsServer : IAsyncLifetime
{
    private UpdraftServer? _server;

    internal UpdraftServer Updraft => _server ?? throw new InvalidOperationException("The server is not started.");

    public async ValueTask InitializeAsync() => _server = await UpdraftServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
            await server.DisposeAsync();
    }
}
