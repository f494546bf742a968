using System.Net;
using System.Text.Json;
using Updraft.Server.Tests.Deploys;
using Updraft.Server.Tests.Images;

namespace Updraft.Server.Tests.Web;

/// <summary>The warning of a rollback to an older image, on the rollback page and on the page of the new deploy.</summary>
[Trait("Database", "any")]
public sealed class RollbackWarningTests(SharedRegistrySite shared) : IClassFixture<SharedRegistrySite>
{
    private RegistrySite Site => shared.Site;

    [Theory]
    [InlineData("9.1.0", "2.7.2", "10.0.0", "2.8.0", "This rollback returns from runtime 10.0.0 to 9.1.0. ")]
    // The numbering that came with Airflow 3 begins again and is newer all the same.
    [InlineData("13.0.0", "2.11.0", "3.0-1", "3.0.0", "This rollback returns from runtime 3.0-1 to 13.0.0. ")]
    [InlineData(null, "2.7.2", null, "2.10.0", "This rollback returns from Airflow 2.10.0 to 2.7.2. ")]
    public async Task The_way_back_is_warned_of_and_the_way_forward_is_not(string? older, string olderAirflow, string? newer, string newerAirflow, string warning)
    {
        var deploys = await Site.NewDeploymentAsync();
        var (first, _) = await Site.DeployAsync(deploys, older, olderAirflow);
        var (second, _) = await Site.DeployAsync(deploys, newer, newerAirflow);
        using var visitor = await Visitor.SignedInAsync(Site.Server);
        string Page(JsonElement deploy) => $"/deployments/{deploys.DeploymentId}/deploys/{deploy.Text("id")}";

        Assert.Contains($"<p class=\"alert\">{warning}", await visitor.ReadAsync(Page(first) + "/rollback"), StringComparison.Ordinal);
        using var done = await visitor.SendFormAsync(Page(first) + "/rollback", Page(first) + "/rollback", ("description", "back"));
        Assert.Equal(HttpStatusCode.Redirect, done.StatusCode);
        Assert.Contains($"<p class=\"note caution\">{warning}", await visitor.ReadAsync(done.Headers.Location!.OriginalString),
            StringComparison.Ordinal);

        Assert.DoesNotContain("This goes back", await visitor.ReadAsync(Page(second) + "/rollback"), StringComparison.Ordinal);
        using var forward = await visitor.SendFormAsync(Page(second) + "/rollback", Page(second) + "/rollback", ("description", "forward"));
        Assert.DoesNotContain("This goes back", await visitor.ReadAsync(forward.Headers.Location!.OriginalString),
            StringComparison.Ordinal);
    }
}
