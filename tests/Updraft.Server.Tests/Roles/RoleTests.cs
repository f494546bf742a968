using System.Text.Json.Nodes;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Roles;

public sealed class RoleTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task The_roles_that_come_with_Updraft_are_listed_with_their_permissions()
    {
        var plain = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles");
        var page = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles?includeDefaultRoles=true&scopeTypes=WORKSPACE");
        Assert.Null(plain["defaultRoles"]);
        Assert.Equal(["WORKSPACE_OWNER", "WORKSPACE_OPERATOR", "WORKSPACE_AUTHOR", "WORKSPACE_MEMBER"],
            page["defaultRoles"]!.AsArray().Select(role => role!["name"]!.GetValue<string>()));
        var author = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles/WORKSPACE_AUTHOR");
        Assert.Contains("deployment.deploys.create", author["permissions"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.DoesNotContain("deployment.delete", author["permissions"]!.AsArray().Select(name => name!.GetValue<string>()));
    }

    [Fact]
    public async Task Permission_groups_hold_every_permission()
    {
        var groups = JsonNode.Parse(await Server.Client.GetStringAsync("/v1/authorization/permission-groups", TestContext.Current.CancellationToken))!.AsArray();
        Assert.Equal(ContractPermissions.All, groups.SelectMany(group => group!["permissions"]!.AsArray()
            .Select(entry => $"{group["name"]!.GetValue<string>()}.{entry!["action"]!.GetValue<string>()}")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_role_of_a_Deployment_allows_nothing_to_change_above_it()
    {
        // Who has a role inside a place gets to its address, so what it allows there must be looking only.
        var above = ContractPermissions.Of(Role.DeploymentAdmin).Where(name =>
            !name.StartsWith("deployment.", StringComparison.Ordinal) && !name.EndsWith(".get", StringComparison.Ordinal));
        Assert.Equal(["organization.apiTokens.access"], above);
    }
}
