using System.Security.Cryptography;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>The option <c>--server-key</c>: the agent accepts no other key, also at its first enrollment.</summary>
public sealed class ServerKeyTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Server_with_a_listed_key_is_accepted()
    {
        Accept(NewKey(), PublicKey.Of(_server.Key).KeyId);
        _agent.Start(_server.Address);

        await _server.WaitForActiveAsync(1);
    }

    [Fact]
    public async Task First_server_with_another_key_exits_with_78_and_mounts_nothing()
    {
        var listed = NewKey();
        Accept(listed);
        _agent.Start(_server.Address);

        Assert.Equal(ExitCode.Configuration, await _agent.EndAsync());
        Assert.Contains(listed, (await _agent.WaitForLogAsync("agent_exited")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_agent.Own("trees")));
    }

    [Fact]
    public async Task Listed_key_replaces_the_pinned_one()
    {
        var old = PublicKey.Of(_server.Key).KeyId;
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
        await _agent.StopAsync();
        using var before = _server.Key;
        _server.Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Accept(old, PublicKey.Of(_server.Key).KeyId);
        _agent.Start(_server.Address);

        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "two")))));
    }

    [Fact]
    public async Task Plain_http_to_another_host_is_reported()
    {
        _agent.Start(new Uri("http://updraft.invalid"));
        await _agent.WaitForLogAsync("server_unencrypted");
    }

    private void Accept(params string[] keys) => _agent.Configure = options => options with { ServerKeys = keys };

    private static string NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return PublicKey.Of(key).KeyId;
    }
}
