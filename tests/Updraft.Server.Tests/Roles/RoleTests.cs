using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Api;
using Updraft.Server.Security;
using Updraft.Server.Tests.Security;

namespace Updraft.Server.Tests.Roles;

public sealed class RoleTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    /// <summary>The operations that the server has and the contract publishes, with the permission that each has in the contract.</summary>
    private IEnumerable<(string Id, Permission Required, string? Published)> Operations()
    {
        var published = PublishedContract.Facts()["operations"]!.AsObject();
        return from endpoint in Server.Services.GetRequiredService<EndpointDataSource>().Endpoints
               let operation = endpoint.Metadata.GetMetadata<Operation>()
               where operation is not null && published.ContainsKey(operation.Id)
               select (operation.Id, endpoint.Metadata.GetMetadata<RequiredPermission>()!.Permission,
                   (string?)published[operation.Id]!["permission"]);
    }

    [Fact]
    public async Task Default_roles_are_listed_by_scope_on_request()
    {
        var plain = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles");
        var page = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles?includeDefaultRoles=true&scopeTypes=WORKSPACE");
        Assert.Null(plain["defaultRoles"]);
        Assert.Equal(["WORKSPACE_OWNER", "WORKSPACE_OPERATOR", "WORKSPACE_AUTHOR", "WORKSPACE_MEMBER"],
            page["defaultRoles"]!.AsArray().Select(role => role!["name"]!.GetValue<string>()));
        Assert.All(page["defaultRoles"]!.AsArray(), role => Assert.NotEmpty(role!["description"]!.GetValue<string>()));
        var author = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles/WORKSPACE_AUTHOR");
        Assert.Contains("deployment.deploys.create", Permissions(author));
        Assert.DoesNotContain("deployment.delete", Permissions(author));
    }

    [Fact]
    public void Permission_of_every_operation_has_the_name_of_the_contract()
    {
        var operations = Operations().ToList();
        Assert.True(operations.Count > 40, $"Only {operations.Count} operations of the contract were found.");
        // The contract names no permission for GetClusterOptions; Updraft requires the one to read clusters.
        Assert.Equal(["GetClusterOptions needs organization.clusters.get; the contract says nothing"],
            operations.Where(operation => operation.Required.Name(operation.Id) != operation.Published)
                .Select(operation => $"{operation.Id} needs {operation.Required.Name(operation.Id)}; the contract says "
                    + $"{operation.Published ?? "nothing"}").Distinct());
    }

    [Fact]
    public async Task Roles_list_the_contract_permissions_of_the_operations_that_they_allow()
    {
        var page = await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles?includeDefaultRoles=true");
        var roles = page["defaultRoles"]!.AsArray();
        Assert.Equal(AuthorizationTable.Callers.Length - 1, roles.Count);
        foreach (var role in roles)
        {
            var caller = RoleCatalog.Find(role!["name"]!.GetValue<string>())!.Value;
            var allowed = Operations()
                .Where(operation => operation.Published is not null && AuthorizationTable.Expected(operation.Required, caller) == 0)
                .Select(operation => operation.Published!).Distinct().Order(StringComparer.Ordinal);
            Assert.Equal((caller, string.Join(' ', allowed)), (caller, string.Join(' ', Permissions(role))));
        }
    }

    [Theory]
    [InlineData("WORKSPACE_OWNER", "workspace.delete")]
    [InlineData("WORKSPACE_OWNER", "workspace.settings.update")]
    [InlineData("ORGANIZATION_OWNER", "organization.settings.update")]
    [InlineData("WORKSPACE_MEMBER", "organization.clusters.get")]
    [InlineData("DEPLOYMENT_ADMIN", "deployment.logs.get")]
    public async Task Role_shows_the_permission(string role, string permission) =>
        Assert.Contains(permission, Permissions(await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles/{role}")));

    [Fact]
    public async Task Permission_groups_hold_every_permission_of_the_contract()
    {
        var groups = JsonNode.Parse(await Server.Client.GetStringAsync("/v1/authorization/permission-groups",
            TestContext.Current.CancellationToken))!.AsArray();
        Assert.Equal(Operations().Select(operation => operation.Published).OfType<string>().Distinct().Order(StringComparer.Ordinal),
            groups.SelectMany(group => group!["permissions"]!.AsArray()
                .Select(entry => $"{group["name"]!.GetValue<string>()}.{entry!["action"]!.GetValue<string>()}"))
                    .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Deployment_role_allows_no_change_above_the_Deployment()
    {
        // A role inside a scope also reaches the URL of the scopes above, so it may only read there.
        var above = Permissions(await Server.Client.GetOkAsync($"{Server.OrganizationPath}/roles/DEPLOYMENT_ADMIN")).Where(name =>
            !name.StartsWith("deployment.", StringComparison.Ordinal) && !name.EndsWith(".get", StringComparison.Ordinal));
        Assert.Equal(["organization.apiTokens.access"], above);
    }

    private static IEnumerable<string> Permissions(JsonNode role) =>
        role["permissions"]!.AsArray().Select(name => name!.GetValue<string>());
}
