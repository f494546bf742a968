using System.Net;

namespace Updraft.Server.Tests.Api;

public sealed class HealthTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    public async Task Health_check_needs_no_token(string path)
    {
        await using var server = await UpdraftServer.StartAsync();
        using var response = await server.Anonymous.GetAsync(path, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("tmp", "data directory")]
    [InlineData("blobs/tmp", "blob store")]
    public async Task Server_is_not_ready_when_deploys_would_fail(string directory, string part)
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await UpdraftServer.StartAsync(clock, TestStorage.Folder);
        Assert.Equal(HttpStatusCode.OK, (await ReadyAsync(server)).Status);
        var path = Path.Join(server.DataDirectory, directory);
        Directory.Delete(path, recursive: true);
        await File.WriteAllTextAsync(path, "not a directory", Cancelled);
        // The result of the last second is shared by all requests.
        Assert.Equal(HttpStatusCode.OK, (await ReadyAsync(server)).Status);
        clock.Advance(TimeSpan.FromSeconds(1));
        var (status, text) = await ReadyAsync(server);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains(part, text, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, string Text)> ReadyAsync(UpdraftServer server)
    {
        using var response = await server.Anonymous.GetAsync("/healthz/ready", Cancelled);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled));
    }
}
