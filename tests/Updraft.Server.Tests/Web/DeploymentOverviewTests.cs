using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>An open page reloads when its change stamp changes. A stamp that misses a change leaves the page outdated.</summary>
public sealed class DeploymentOverviewTests
{
    private const string Version = "2026-01-01T00:00:00.0000001Z";

    [Fact]
    public async Task Changes_within_one_second_change_both_stamps()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await AgentSite.CreateAsync(server);
        var agent = await site.EnrollAsync();
        List<(string One, string All)> stamps = [await StampsAsync(server, site)];

        var revision = await site.CommitAsync(Version);
        stamps.Add(await StampsAsync(server, site));
        foreach (var phase in (AgentPhase[])[AgentPhase.Prepared, AgentPhase.Active])
        {
            clock.Advance(TimeSpan.FromMilliseconds(10));
            await agent.ReportAsync(phase, revision, phase == AgentPhase.Active ? revision : 0, Version);
            stamps.Add(await StampsAsync(server, site));
        }

        Assert.Equal(stamps.Select(stamp => stamp.One).Distinct(), stamps.Select(stamp => stamp.One));
        Assert.Equal(stamps.Select(stamp => stamp.All).Distinct(), stamps.Select(stamp => stamp.All));
    }

    private static async Task<(string One, string All)> StampsAsync(UpdraftServer server, AgentSite site)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var overviews = scope.ServiceProvider.GetRequiredService<DeploymentOverviews>();
        var all = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Deployments.AsNoTracking();
        return (await overviews.ReadChangeStampAsync(new DeploymentId(site.DeploymentId), TestContext.Current.CancellationToken),
            await overviews.ReadChangeStampAsync(all, TestContext.Current.CancellationToken));
    }
}
