using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Facts about an archive that can surprise its user: in the response and in the step.</summary>
public sealed class UploadWarningTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly byte[] Unmounted = new TarBuilder().File("common/a.py").File("common/b.py").File("ümlaut.py").File("dags/d.py")
        .Folder("empty").ToArray();

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unmounted_files_are_named_in_header_and_JSON()
    {
        var site = await UploadSite.CreateAsync(Server);
        using var plain = await site.PutAsync(Unmounted);
        await UploadSite.VersionOfAsync(plain);
        Assert.Empty(await plain.Content.ReadAsByteArrayAsync(Cancelled));
        var header = Assert.Single(plain.Headers.GetValues("x-updraft-warning"));
        Assert.StartsWith("unmounted_files: Airflow does not see 3 files next to the directory 'dags' of the archive: common/, ?mlaut.py.",
            header, StringComparison.Ordinal);

        using var json = await site.PutAsync(Unmounted, adjust: request => request.Headers.Add("Accept", "application/json"));
        var body = await json.ReadAsync(HttpStatusCode.Created);
        Assert.Equal(await UploadSite.VersionOfAsync(json), body.Text("version"));
        var warning = Assert.Single(body["warnings"]!.AsArray())!.AsObject();
        Assert.Equal(("unmounted_files", 3), (warning.Text("code"), warning["count"]!.GetValue<int>()));
        Assert.Equal(["common/", "ümlaut.py"], warning["names"]!.AsArray().Select(name => name!.ToString()));
    }

    [Fact]
    public async Task Bytecode_and_similar_names_are_named()
    {
        var site = await UploadSite.CreateAsync(Server);
        using var response = await site.PutAsync(new TarBuilder().File("A.py").File("a.py").File("Team/x").File("team/x")
            .File("__pycache__/a.pyc").ToArray());

        Assert.Equal([
            "bytecode_left_out: Updraft left out 1 file with Python's bytecode: __pycache__/a.pyc. "
                + "To keep such files, set Archives:KeepBytecode.",
            "similar_names: 2 names differ from another name only in case or in the encoding of accents: A.py and a.py, Team and team. "
                + "macOS and Windows cannot store both."],
            response.Headers.GetValues("x-updraft-warning"));
    }

    [Fact]
    public async Task Archive_without_surprises_has_no_warning()
    {
        foreach (var tar in new[]
        {
            new TarBuilder().File("dags/a.py").Folder("empty"), new TarBuilder().File("a.py").File("common/README.md"),
        })
        {
            using var response = await (await UploadSite.CreateAsync(Server)).PutAsync(tar.ToArray(),
                adjust: request => request.Headers.Add("Accept", "application/json"));
            Assert.Empty((await response.ReadAsync(HttpStatusCode.Created))["warnings"]!.AsArray());
            Assert.False(response.Headers.Contains("x-updraft-warning"));
        }
    }

    [Fact]
    public async Task Step_of_the_deploy_shows_the_warning()
    {
        var site = await UploadSite.CreateAsync(Server);
        var version = await site.UploadAsync(Unmounted);
        await site.FinalizeAsync(version);
        var steps = $"{Server.OrganizationPath}/deployments/{site.DeploymentId}/deploys/{site.DeployId}/steps/uploaded/logs";
        var log = await Server.Client.GetOkAsync(steps.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal));

        Assert.Contains(log["entries"]!.AsArray(), entry => entry!["message"]!.ToString()
            .StartsWith("Warning: Airflow does not see 3 files", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Deployment_that_rejects_unmounted_files_stays_unchanged()
    {
        var deployment = await Server.CreateDeploymentAsync("rejects-unmounted");
        await UpdateAsync(deployment, body => body["rejectUnmountedFiles"] = true);
        var site = await UploadSite.CreateAsync(Server, deployment);
        using var response = await site.PutAsync(Unmounted);

        var message = await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidInput");
        Assert.Contains("common/", message, StringComparison.Ordinal);
        Assert.Contains("'rejectUnmountedFiles'", message, StringComparison.Ordinal);
        Assert.Empty(await site.RecordedAsync());
        Assert.Empty(await UploadSite.BlobsAsync(Server, $"packs/{deployment}"));
        await site.UploadAsync(new TarBuilder().File("dags/a.py").ToArray());

        // Clients of Astro omit the field.
        Assert.True((await UpdateAsync(deployment, _ => { }))["rejectUnmountedFiles"]!.GetValue<bool>());
        var off = await UpdateAsync(deployment, body => body["rejectUnmountedFiles"] = false);
        Assert.False(off["rejectUnmountedFiles"]!.GetValue<bool>());
        await site.UploadAsync(Unmounted);
    }

    private Task<JsonObject> UpdateAsync(string deployment, Action<JsonObject> change)
    {
        var body = new JsonObject
        {
            ["name"] = "rejects-unmounted",
            ["workspaceId"] = Server.WorkspaceId,
            ["type"] = "STANDARD",
            ["executor"] = "CELERY",
            ["schedulerSize"] = "SMALL",
            ["isCicdEnforced"] = false,
            ["isDagDeployEnabled"] = true,
            ["isHighAvailability"] = false,
            ["environmentVariables"] = new JsonArray(),
        };
        change(body);
        return Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{deployment}", body);
    }
}
