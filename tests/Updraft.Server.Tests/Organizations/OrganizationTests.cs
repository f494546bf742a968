using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Organizations;

public sealed class OrganizationTests
{
    [Fact]
    public async Task A_token_lists_its_own_organization_with_the_product_that_clients_dereference()
    {
        await using var server = await UpdraftServer.StartAsync();
        var list = await server.Client.GetOkAsync("/v1/organizations?limit=100&offset=0");
        Assert.Equal(1, list["totalCount"]!.GetValue<int>());
        Assert.Equal("HOSTED", list["organizations"]![0]!["product"]!.GetValue<string>());
        Assert.Equal(server.OrganizationId, list["organizations"]![0]!["id"]!.GetValue<string>());
    }
}
