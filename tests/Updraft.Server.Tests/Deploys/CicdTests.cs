using System.Net;
using Updraft.Server.Api;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Deploys;

public sealed class CicdTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task API_token_deploys_while_CICD_is_enforced()
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
    public void User_deploy_is_rejected_while_CICD_is_enforced(bool isEnforced, string kind, bool isRejected)
    {
        var subject = new Subject(Enum.Parse<SubjectKind>(kind), "c1", "Ann", new("corg"),
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
            CreatedBy = subject.Profile,
            UpdatedBy = subject.Profile,
        };

        var exception = Record.Exception(() => deployment.CheckCicd(subject));

        Assert.Equal(isRejected, exception is ApiException { StatusCode: (int)HttpStatusCode.Forbidden });
        Assert.Equal(isRejected, exception is not null);
    }
}
