using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Organizations;

public sealed class OrganizationTests
{
    [Fact]
    public async Task Token_lists_its_own_Organization_with_the_product()
    {
        await using var server = await UpdraftServer.StartAsync();
        var list = await server.Client.GetOkAsync("/v1/organizations?limit=100&offset=0");
        Assert.Equal(1, list["totalCount"]!.GetValue<int>());
        Assert.Equal("HOSTED", list["organizations"]![0]!["product"]!.GetValue<string>());
        Assert.Equal(server.OrganizationId, list["organizations"]![0]!["id"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("/v1")]
    [InlineData("/platform/v1beta1")]
    public async Task Organization_has_all_required_fields_of_the_contract(string prefix)
    {
        await using var server = await UpdraftServer.StartAsync();
        var read = await server.Client.GetOkAsync($"{prefix}/organizations/{server.OrganizationId}");
        string[] required = ["allowEnhancedSupportAccess", "createdAt", "createdBy", "hasAllowedIpAddressRanges", "id",
            "isBlockedEnableAiFeatures",
            "isScimEnabled", "name", "productPlans", "shouldEnforceDedicatedClusters", "updatedAt", "updatedBy"];
        Assert.All(required, field => Assert.NotNull(read[field]));
        Assert.Empty(read["productPlans"]!.AsArray());
        Assert.Equal(prefix != "/v1", read.ContainsKey("supportPlan"));
    }

    [Fact]
    public async Task Owner_replaces_the_settings_and_reads_the_same_values()
    {
        await using var server = await UpdraftServer.StartAsync();
        var body = JsonNode.Parse("""
            {"name":"Flights","billingEmail":"","isScimEnabled":true,"allowEnhancedSupportAccess":true,"hasAiFeaturesDisabled":false,
             "shouldEnforceDedicatedClusters":true}
            """)!.AsObject();
        var updated = await server.Client.PostOkAsync(server.OrganizationPath, body);
        var read = await server.Client.GetOkAsync(server.OrganizationPath);
        foreach (var (field, value) in body)
        {
            Assert.True(JsonNode.DeepEquals(value, updated[field]), $"{field} was returned as {updated[field]}");
            Assert.True(JsonNode.DeepEquals(value, read[field]), $"{field} was read as {read[field]}");
        }
        var reset = await server.Client.PostOkAsync(server.OrganizationPath,
            JsonNode.Parse("""{"name":"Flights","billingEmail":"b@example.org","isScimEnabled":false}""")!);
        Assert.Equal(("b@example.org", false), (reset.Text("billingEmail"), reset["shouldEnforceDedicatedClusters"]!.GetValue<bool>()));
    }

    [Theory]
    [InlineData("""{"billingEmail":"","isScimEnabled":false}""")]
    [InlineData("""{"name":"x","isScimEnabled":false}""")]
    [InlineData("""{"name":"x","billingEmail":""}""")]
    [InlineData("""{"name":"123456789012345678901234567890123456789012345678901","billingEmail":"","isScimEnabled":false}""")]
    public async Task Invalid_update_changes_nothing(string body)
    {
        await using var server = await UpdraftServer.StartAsync();
        var before = await server.Client.GetOkAsync(server.OrganizationPath);
        await server.Client.PostErrorAsync(server.OrganizationPath, body, HttpStatusCode.BadRequest);
        Assert.Equal(before.ToJsonString(), (await server.Client.GetOkAsync(server.OrganizationPath)).ToJsonString());
    }
}
