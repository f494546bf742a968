using System.Net;

namespace Updraft.Server.Tests.Api;

public sealed class HealthTests
{
    [Theory]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    public async Task A_server_that_has_started_is_healthy_without_a_token(string path)
    {
        await using var server = await UpdraftServer.StartAsync();
        using var response = await server.Anonymous.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }
}
