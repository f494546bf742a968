using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Uploads;

/// <summary>An upload URL ends with the token or user that created its deploy.</summary>
public sealed class UploadCreatorTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_after_the_deletion_of_the_token_is_rejected_with_403()
    {
        var deployment = await Server.CreateDeploymentAsync("uploads of a token");
        var token = await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment);
        var url = await CreateAsync(Server.ClientWith(token), deployment);
        Assert.Equal(HttpStatusCode.Created, (await UploadAsync(url)).Status);
        using (await Server.Client.DeleteAsync($"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("sub")}", Cancelled))
        {
        }
        Assert.Equal((HttpStatusCode.Forbidden, "upload_creator_invalid"), await UploadAsync(url));
        Assert.Equal((HttpStatusCode.Forbidden, "upload_creator_invalid"), await UploadAsync(url + "&comp=block&blockid=AAAA"));
    }

    [Fact]
    public async Task Upload_after_the_deactivation_of_the_user_is_rejected_with_403()
    {
        var deployment = await Server.CreateDeploymentAsync("uploads of a user");
        var (user, access, _) = await Server.AddUserAsync("uploader@example.org");
        await Server.Client.PostOkAsync($"{Server.OrganizationPath}/users/{user}/roles", new JsonObject { ["organizationRole"] = "ORGANIZATION_OWNER" });
        var url = await CreateAsync(Server.ClientWith(access), deployment);
        Assert.Equal(HttpStatusCode.Created, (await UploadAsync(url)).Status);
        await Server.Client.PostOkAsync($"/updraft{Server.OrganizationPath}/users/{user}/status", new JsonObject { ["status"] = "INACTIVE" });
        Assert.Equal((HttpStatusCode.Forbidden, "upload_creator_invalid"), await UploadAsync(url));
    }

    private async Task<string> CreateAsync(HttpClient client, string deployment) => (await client.PostOkAsync(
        $"{Server.OrganizationPath}/deployments/{deployment}/deploys", new JsonObject { ["type"] = "DAG_ONLY" })).Text("dagsUploadUrl");

    private async Task<(HttpStatusCode Status, string? Code)> UploadAsync(string url)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, url)
        {
            Content = new ByteArrayContent(new TarBuilder().File("dags/a.py", "a").ToArray()),
        };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await Server.Anonymous.SendAsync(request, Cancelled);
        return (response.StatusCode, response.Headers.TryGetValues("x-error-code", out var codes) ? codes.Single() : null);
    }
}
