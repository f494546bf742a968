using System.Net;

namespace Updraft.Server.Tests.Contract;

/// <summary>HEAD returns the status and the headers of GET, without a body.</summary>
public sealed class HeadTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HEAD_has_the_status_of_GET_for_every_operation()
    {
        var wrong = new List<string>();
        foreach (var operation in (await DescribedOperations.ReadAsync(Server)).Where(operation => operation.Method == "GET"))
        {
            foreach (var client in (HttpClient[])[Server.Client, Server.Anonymous])
            {
                using var get = await client.GetAsync(operation.Url, Cancelled);
                var (status, type, body) = await HeadAsync(client, operation.Url);
                if (status != get.StatusCode || body != "" || type != get.Content.Headers.ContentType?.ToString())
                    wrong.Add($"{operation.Id}: GET {(int)get.StatusCode}, HEAD {(int)status} {type} {body}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/docs/")]
    public async Task Monitor_can_send_HEAD(string path)
    {
        using var get = await Server.Anonymous.GetAsync(path, Cancelled);
        Assert.Equal((get.StatusCode, get.Content.Headers.ContentType?.ToString(), ""), await HeadAsync(Server.Anonymous, path));
    }

    [Fact]
    public async Task Wrong_method_lists_HEAD_next_to_GET()
    {
        using var response = await Server.Client.DeleteAsync($"{Server.OrganizationPath}/deployments", Cancelled);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["GET", "HEAD", "POST"], response.Content.Headers.Allow);
    }

    private static async Task<(HttpStatusCode Status, string? Type, string Body)> HeadAsync(HttpClient client, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var response = await client.SendAsync(request, Cancelled);
        return (response.StatusCode, response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsStringAsync(Cancelled));
    }
}
