using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deployments;

public sealed class DeploymentOptionsTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Options_have_all_fields_of_the_contract()
    {
        var options = await shared.Server.Client.GetOkAsync($"{shared.Server.OrganizationPath}/deployment-options");
        Assert.Equal("CELERY KUBERNETES ASTRO", string.Join(' ', options["executors"]!.AsArray().Select(name => name!.GetValue<string>())));
        foreach (var quota in (string[])["defaultPodSize", "resourceQuota"])
        {
            foreach (var what in (string[])["cpu", "memory"])
                AssertRange(options["resourceQuotas"]![quota]![what]!);
        }
        foreach (var range in (string[])["maxWorkers", "minWorkers", "workerConcurrency"])
            AssertRange(options["workerQueues"]![range]!);
        Assert.All(options["workerMachines"]!.AsArray(), machine => AssertRange(machine!["concurrency"]!));
        Assert.All(options["workerMachines"]!.AsArray().Concat(options["schedulerMachines"]!.AsArray()),
            machine => Assert.NotNull(machine!["spec"]!["memory"]));
        Assert.Equal(7, options["workerMachines"]!.AsArray().Count);
        var releases = options["runtimeReleases"]!.AsArray();
        string[] required = ["version", "airflowVersion", "channel", "releaseDate", "airflowDatabaseMigration", "stellarDatabaseMigration"];
        Assert.All(releases, release => Assert.All(required, field => Assert.NotNull(release![field])));
        var dates = releases.Where(release => (string?)release!["channel"] == "stable")
            .Select(release => release!["releaseDate"]!.GetValue<DateTimeOffset>()).ToList();
        Assert.Equal(dates.OrderDescending(), dates);
    }

    [Fact]
    public async Task Runtimes_are_the_configured_ones_and_those_in_use()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Runtimes:Releases"] = "7.0.0=2.5.0@2022-12-05 8.0.0=2.6.0@2023-04-30 *=NA@2000-01-01",
        });
        await server.CreateDeploymentAsync("known", runtimeVersion: "7.0.0");
        await server.CreateDeploymentAsync("own build", runtimeVersion: "7.0.1-base");
        var options = await server.Client.GetOkAsync($"{server.OrganizationPath}/deployment-options");
        Assert.Equal("8.0.0=2.6.0 7.0.0=2.5.0 7.0.1-base=NA", string.Join(' ', options["runtimeReleases"]!.AsArray()
            .Select(row => $"{row!["version"]}={row["airflowVersion"]}")));
        Assert.Equal("2023-04-30T00:00:00Z", options["runtimeReleases"]![0]!["releaseDate"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("deploymentType=SHARED")]
    [InlineData("executor=SEQUENTIAL")]
    [InlineData("cloudProvider=MOON")]
    public async Task Unknown_option_value_is_rejected_with_400(string query)
    {
        using var response = await shared.Server.Client.GetAsync($"{shared.Server.OrganizationPath}/deployment-options?{query}",
            TestContext.Current.CancellationToken);
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    private static void AssertRange(JsonNode range) =>
        Assert.All((string[])["floor", "default", "ceiling"], field => Assert.NotNull(range[field]));
}
