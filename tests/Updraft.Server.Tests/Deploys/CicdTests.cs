using System.Net;
using Updraft.Server.Api;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Deploys;

[Trait("Database", "every")]
public sealed class CicdTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task An_API_token_deploys_where_CICD_is_enforced()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server, isCicdEnforced: true);

        var first = await deploys.DeployDagsAsync();
        var back = await deploys.RollBackAsync(first.Text("id"));

        Assert.Equal("DEPLOYED", back.Text("status"));
    }

    [Theory]
    [InlineData(true, "User", true)]
    [InlineData(true, "ServiceKey", false)]
    [InlineData(false, "User", false)]
    public void A_person_does_not_deploy_where_CICD_is_enforced(bool isEnforced, string kind, bool isRefused)
    {
        var who = new Subject(Enum.Parse<SubjectKind>(kind), "c1", "Ann", new("corg"),
            [Grant.For(Role.WorkspaceOwner, new("corg"), new("cwsp"), null)]);
        var deployment = new Deployment
        {
            Id = new("cdep"),
            OrganizationId = new("corg"),
            WorkspaceId = new("cwsp"),
            Name = "orders",
            Namespace = "orders",
            IsCicdEnforced = isEnforced,
            CreatedAt = DateTimeOffset.UnixEpoch,
            CreatedBy = who.Profile,
            UpdatedBy = who.Profile,
        };

        var refusal = Record.Exception(() => deployment.CheckCicd(who));

        Assert.Equal(isRefused, refusal is ApiException { StatusCode: (int)HttpStatusCode.Forbidden });
        Assert.Equal(isRefused, refusal is not null);
    }
}
