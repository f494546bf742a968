using Updraft.Client;
using Updraft.Protocol.Api;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Contract;

/// <summary>Resources of the typed client next to deploys: bundles, roles of tokens, hibernation.</summary>
public sealed class ClientResourceTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bundle_is_created_found_changed_rolled_back_and_deleted()
    {
        using var client = Client();
        var deployment = await Server.CreateDeploymentAsync("bundles of the client");
        var bundles = client.Bundles(Server.OrganizationId, deployment);
        var created = await bundles.CreateAsync(new CreateBundleRequest { Name = "team", Description = "one" }, Cancelled);
        var updated = await bundles.UpdateAsync(created.Id, new UpdateBundleRequest { Description = "two" }, Cancelled);
        Assert.Equal("two", updated.Description);
        Assert.Equal("team", (await bundles.GetAsync(created.Id, Cancelled)).Name);
        await bundles.DeleteAsync(created.Id, Cancelled);
        Assert.DoesNotContain(created.Id, await bundles.ListAsync(Cancelled)
            .Where(row => !row.DeletionIsPending).Select(row => row.Id).ToListAsync(Cancelled));

        var deploys = client.Deploys(Server.OrganizationId, deployment);
        var first = await DeployAsync(deploys, "one");
        await DeployAsync(deploys, "two");
        var main = (await bundles.ListAsync(Cancelled).ToListAsync(Cancelled)).Single(row => row.IsDefault);
        var back = await bundles.RollBackAsync(main.Id, new BundleRollbackRequest { Version = first }, Cancelled);
        Assert.Equal(first, back.DesiredVersion);
        var versions = await bundles.ListVersionsAsync(main.Id, Cancelled).ToListAsync(Cancelled);
        Assert.Equal((3, first), (versions.Count, versions[0].Version));
    }

    [Fact]
    public async Task Token_is_described_rotated_and_given_other_roles()
    {
        using var client = Client();
        var tokens = client.Tokens(Server.OrganizationId);
        var created = await tokens.CreateAsync(new CreateApiTokenRequest
        {
            Name = "before",
            Scope = "WORKSPACE",
            Role = "WORKSPACE_MEMBER",
            EntityId = Server.WorkspaceId,
        }, Cancelled);

        Assert.Equal("after", (await tokens.UpdateAsync(created.Id, new UpdateApiTokenRequest { Name = "after" }, Cancelled)).Name);
        var rotated = await tokens.RotateAsync(created.Id, Cancelled);
        Assert.NotNull(rotated.Token);
        Assert.NotEqual(created.Token, rotated.Token);
        var roles = await tokens.UpdateRolesAsync(created.Id, new UpdateApiTokenRolesRequest
        {
            Roles = [new ApiTokenRole { EntityType = "WORKSPACE", EntityId = Server.WorkspaceId, Role = "WORKSPACE_AUTHOR" }],
        }, Cancelled);
        Assert.Equal("WORKSPACE_AUTHOR", Assert.Single(roles.WorkspaceRoles!).Role);
    }

    [Fact]
    public async Task Role_without_its_scope_is_rejected()
    {
        using var client = Client();
        var tokens = client.Tokens(Server.OrganizationId);
        var created = await tokens.CreateAsync(
            new CreateApiTokenRequest { Name = "org", Scope = "ORGANIZATION", Role = "ORGANIZATION_MEMBER" }, Cancelled);

        var refused = await Assert.ThrowsAsync<UpdraftException>(() => tokens.UpdateRolesAsync(created.Id, new UpdateApiTokenRolesRequest
        {
            Roles = [new ApiTokenRole { EntityType = "ORGANIZATION", Role = "ORGANIZATION_OWNER" }],
        }, Cancelled));

        Assert.Equal(400, refused.StatusCode);
        Assert.Contains("'entityId'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deployment_hibernates_and_wakes_up()
    {
        using var client = Client();
        var deployment = await client.CreateDeploymentAsync(Server.OrganizationId,
            new CreateDeploymentRequest { Name = "sleeper", WorkspaceId = Server.WorkspaceId, IsDevelopmentMode = true }, Cancelled);

        var decision = await client.OverrideHibernationAsync(Server.OrganizationId, deployment.Id,
            new OverrideDeploymentHibernationRequest { IsHibernating = true }, Cancelled);
        Assert.Equal((true, true), (decision.IsHibernating, decision.IsActive));
        Assert.Equal("HIBERNATING", (await client.GetDeploymentAsync(Server.OrganizationId, deployment.Id, Cancelled)).Status);

        await client.DeleteHibernationOverrideAsync(Server.OrganizationId, deployment.Id, Cancelled);
        Assert.NotEqual("HIBERNATING", (await client.GetDeploymentAsync(Server.OrganizationId, deployment.Id, Cancelled)).Status);
    }

    private static async Task<string> DeployAsync(DeploysClient deploys, string contents)
    {
        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);
        using var archive = new MemoryStream(UploadSite.Tar(contents));
        var version = await deploys.UploadAsync(deploy.DagsUploadUrl!, archive, cancellationToken: Cancelled);
        await deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { DagTarballVersion = version }, Cancelled);
        return version;
    }

    private UpdraftClient Client() => new(Server.BaseAddress, Server.OwnerToken);
}
