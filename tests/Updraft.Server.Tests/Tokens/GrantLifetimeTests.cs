using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Tokens;

/// <summary>A token that expires cannot give permissions that stay.</summary>
public sealed class GrantLifetimeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData(null)]
    [InlineData(30)]
    public async Task Expiring_token_cannot_promote_a_token_that_expires_later(int? days)
    {
        var id = await CreateAsync(days);
        var caller = Server.ClientWith(await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER", days: 1));
        using var rejected = await GrantAsync(caller, id, "ORGANIZATION_OWNER");
        Assert.Equal((HttpStatusCode.Forbidden, "token_outlives_caller"),
            (rejected.StatusCode, rejected.Headers.GetValues("x-error-code").Single()));
        using var unchanged = await GrantAsync(caller, id, "ORGANIZATION_MEMBER");
        using var byOwner = await GrantAsync(Server.Client, id, "ORGANIZATION_OWNER");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (unchanged.StatusCode, byOwner.StatusCode));
    }

    [Fact]
    public async Task Expiring_token_can_promote_a_token_that_expires_earlier()
    {
        var id = await CreateAsync(1);
        var caller = Server.ClientWith(await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER", days: 30));
        using var response = await GrantAsync(caller, id, "ORGANIZATION_OWNER");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private async Task<string> CreateAsync(int? days) => (await Server.Client.PostOkAsync($"{Server.OrganizationPath}/tokens", new JsonObject
    {
        ["name"] = "low", ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER", ["tokenExpiryPeriodInDays"] = days,
    })).Text("id");

    private Task<HttpResponseMessage> GrantAsync(HttpClient caller, string id, string role) =>
        caller.PostAsync($"{Server.OrganizationPath}/tokens/{id}/roles", JsonRequests.Json(
            $$"""{"roles":[{"entityType":"ORGANIZATION","entityId":"{{Server.OrganizationId}}","role":"{{role}}"}]}"""),
            TestContext.Current.CancellationToken);
}
