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
    [InlineData("create-alerts")]
    [InlineData("delete-notification-channels")]
    [InlineData("workspaces/c00000000000000000unknown/astroide/sessions")]
    public async Task Unsupported_feature_is_404_with_a_token_and_401_without(string path)
    {
        foreach (var prefix in (string[])["/v1", "/v1alpha1", "/labs/v1", "/platform/v1beta1", "/iam/v1beta1"])
        {
            foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post, HttpMethod.Delete])
            {
                var url = $"{prefix}/organizations/{shared.Server.OrganizationId}/{path}";
                Assert.Contains("Updraft has no ", await SendAsync(shared.Server.Client, method, url, HttpStatusCode.NotFound),
                    StringComparison.Ordinal);
                Assert.Contains("token", await SendAsync(shared.Server.Anonymous, method, url, HttpStatusCode.Unauthorized),
                    StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("POST", "roles")]
    [InlineData("POST", "roles/c00000000000000000unknown")]
    [InlineData("DELETE", "roles/c00000000000000000unknown")]
    [InlineData("DELETE", "roles/WORKSPACE_OWNER")]
    public async Task Custom_role_is_404_with_its_own_sentence(string method, string path)
    {
        foreach (var prefix in (string[])["/v1", "/platform/v1beta1", "/iam/v1beta1"])
        {
            var url = $"{prefix}/organizations/{shared.Server.OrganizationId}/{path}";
            Assert.Contains("Updraft has no custom roles.",
                await SendAsync(shared.Server.Client, new(method), url, HttpStatusCode.NotFound), StringComparison.Ordinal);
            await SendAsync(shared.Server.Anonymous, new(method), url, HttpStatusCode.Unauthorized);
        }
        // Other known URLs still name the methods that they support.
        await SendAsync(shared.Server.Client, HttpMethod.Put, $"{shared.Server.OrganizationPath}/users/{shared.Server.WorkspaceId}/roles",
            HttpStatusCode.MethodNotAllowed);
    }

    private static async Task<string> SendAsync(HttpClient client, HttpMethod method, string url, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(method, url);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var error = await response.ReadAsync(status);
        Assert.Equal((int)status, error["statusCode"]!.GetValue<int>());
        Assert.NotEqual("", error.Text("requestId"));
        return error.Text("message");
    }
}
