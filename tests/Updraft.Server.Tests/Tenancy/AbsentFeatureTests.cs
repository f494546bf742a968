using System.Net;

namespace Updraft.Server.Tests.Tenancy;

public sealed class AbsentFeatureTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData("environment-objects")]
    [InlineData("environment-objects/c00000000000000000unknown")]
    [InlineData("teams")]
    [InlineData("users/c00000000000000000unknown/teams")]
    [InlineData("invites")]
    [InlineData("alerts")]
    [InlineData("allowed-ip-address-ranges/bulk-create")]
    [InlineData("audit-logs")]
    public async Task What_Updraft_does_not_have_says_so_to_whoever_has_a_token(string path)
    {
        foreach (var prefix in (string[])["/v1", "/platform/v1beta1", "/iam/v1beta1"])
        {
            foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post, HttpMethod.Delete])
            {
                var address = $"{prefix}/organizations/{shared.Server.OrganizationId}/{path}";
                Assert.Contains("Updraft does not have", await SendAsync(shared.Server.Client, method, address, HttpStatusCode.NotFound), StringComparison.Ordinal);
                Assert.Contains("token", await SendAsync(shared.Server.Anonymous, method, address, HttpStatusCode.Unauthorized), StringComparison.Ordinal);
            }
        }
    }

    private static async Task<string> SendAsync(HttpClient client, HttpMethod method, string address, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(method, address);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var error = await response.ReadAsync(status);
        Assert.Equal((int)status, error["statusCode"]!.GetValue<int>());
        Assert.NotEqual("", error.Text("requestId"));
        return error.Text("message");
    }
}
