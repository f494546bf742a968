using System.Net;

namespace Updraft.Server.Tests.Api;

public sealed class HealthTests
{
    [Theory]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    public async Task Health_check_needs_no_token(string path)
    {
        await using var server = await UpdraftServer.StartAsync();
        using var response = await server.Anonymous.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }
}
