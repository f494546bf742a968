using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deploys;

/// <summary>The files of deploys over the API.</summary>
public sealed class DeployFilesTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_deploys_are_compared_by_file_and_by_line()
    {
        var site = await PageSite.CreateAsync(Server);
        var (first, _) = await site.DeployAsync("first", ("dags/a.py", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("dags/gone.py", "x"),
            ("dags/same.py", "same"), ("dags/big.py", new string('x', 600_000)));
        var (second, _) = await site.DeployAsync("second", ("dags/a.py", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"), ("dags/new.py", "yy"),
            ("dags/same.py", "same"), ("dags/big.py", new string('y', 600_000)));
        var diff = await Server.Client.GetOkAsync(Path(site, $"deploys/{second}/files/diff"));
        Assert.Equal((first, second), (diff.Text("deployIdBefore"), diff.Text("deployIdAfter")));
        var bundle = Assert.Single(diff["bundles"]!.AsArray())!;
        Assert.Equal("dags", (string?)bundle["path"]);
        Assert.Equal(["dags/a.py CHANGED 18 21", "dags/big.py CHANGED 600000 600000", "dags/gone.py REMOVED 1 ", "dags/new.py ADDED  2"],
            bundle["files"]!.AsArray().Select(file => $"{file!["path"]} {file["change"]} {file["sizeBefore"]} {file["sizeAfter"]}"));
        var back = await Server.Client.GetOkAsync(Path(site, $"deploys/{first}/files/diff?against={second}"));
        Assert.Contains("dags/gone.py ADDED", back["bundles"]![0]!["files"]!.AsArray().Select(file => $"{file!["path"]} {file["change"]}"));
        var nothing = await Server.Client.GetOkAsync(Path(site, $"deploys/{first}/files/diff?against={first}"));
        Assert.Empty(nothing["bundles"]!.AsArray());

        var text = await Server.Client.GetOkAsync(Path(site, $"deploys/{second}/files/text-diff?bundle=dags&path=dags/a.py"));
        Assert.Equal(["GAP   ", "SAME 2 2 2", "SAME 3 3 3", "SAME 4 4 4", "REMOVED 5  5", "ADDED  5 five", "SAME 6 6 6", "SAME 7 7 7",
            "SAME 8 8 8", "GAP   "],
            text["lines"]!.AsArray().Select(line => $"{line!["kind"]} {line["numberBefore"]} {line["numberAfter"]} {line["text"]}"));
        var big = await Server.Client.GetOkAsync(Path(site, $"deploys/{second}/files/text-diff?bundle=dags&path=dags/big.py"));
        Assert.Contains("exceeds the limit of 512 KiB", big.Text("reason"), StringComparison.Ordinal);
        Assert.Null(big["lines"]);
    }

    [Fact]
    public async Task Files_of_a_version_are_listed_and_downloaded()
    {
        var site = await PageSite.CreateAsync(Server);
        var large = string.Concat(Enumerable.Range(0, 300_000)
            .Select(i => i.ToString("x", System.Globalization.CultureInfo.InvariantCulture)));
        var (deploy, version) = await site.DeployAsync("files", ("dags/a.py", "alpha\n"), ("dags/large.txt", large), ("dags/empty.py", ""));
        var list = await Server.Client.GetOkAsync(Path(site, $"versions/{version}/files"));
        Assert.Equal((version, deploy), (list.Text("version"), list.Text("deployId")));
        Assert.Equal(["dags/a.py 6", "dags/empty.py 0", $"dags/large.txt {large.Length}"], list["files"]!.AsArray()
            .Select(file => $"{file!["path"]} {file["size"]}"));
        foreach (var (path, text) in ((string, string)[])[("dags/a.py", "alpha\n"), ("dags/large.txt", large), ("dags/empty.py", "")])
            Assert.Equal(text, await Server.Client.GetStringAsync(Path(site, $"versions/{version}/content?path={path}"), Cancelled));
    }

    [Fact]
    public async Task Invalid_or_unknown_files_are_rejected_with_400_or_404()
    {
        var site = await PageSite.CreateAsync(Server);
        var (deploy, version) = await site.DeployAsync("one", ("dags/a.py", "a"));
        var open = (await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{site.Id}/deploys",
            new JsonObject { ["type"] = "DAG_ONLY" })).Text("id");
        var other = await (await PageSite.CreateAsync(Server)).DeployAsync("other", ("dags/a.py", "a"));
        foreach (var (path, status) in ((string, HttpStatusCode)[])
            [
                ($"deploys/{open}/files/diff", HttpStatusCode.BadRequest),
                ($"deploys/{deploy}/files/diff?against={open}", HttpStatusCode.BadRequest),
                ($"deploys/unknown/files/diff", HttpStatusCode.NotFound),
                ($"deploys/{deploy}/files/diff?against={other.Id}", HttpStatusCode.NotFound),
                ($"deploys/{deploy}/files/text-diff?bundle=dags&path=dags/none.py", HttpStatusCode.NotFound),
                ($"deploys/{deploy}/files/text-diff", HttpStatusCode.NotFound),
                ($"versions/{other.Version}/files", HttpStatusCode.NotFound),
                ($"versions/{version}/content?path=../a", HttpStatusCode.NotFound),
                ($"versions/{version}/content?path=dags", HttpStatusCode.NotFound),
                ($"versions/{version}/content", HttpStatusCode.NotFound),
            ])
        {
            using var response = await Server.Client.GetAsync(Path(site, path), Cancelled);
            Assert.NotEqual("", (await response.ReadAsync(status)).Text("message"));
        }
    }

    [Fact]
    public async Task File_routes_have_their_own_OpenAPI_document()
    {
        var own = JsonNode.Parse(await Server.Anonymous.GetStringAsync("/openapi/updraft-v1.json", Cancelled))!;
        Assert.EndsWith("/updraft/v1", (string?)own["servers"]![0]!["url"], StringComparison.Ordinal);
        var operations = own["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => method.Value))
            .OfType<JsonObject>()
            .Where(operation => operation.ContainsKey("operationId")).ToList();
        Assert.Subset(operations.Select(operation => operation["operationId"]!.ToString()).ToHashSet(StringComparer.Ordinal),
            new HashSet<string>(["GetFileDiff", "GetTextDiff", "ListAuditEvents", "ListVersionFiles"], StringComparer.Ordinal));
        Assert.All(operations, operation => Assert.Equal("updraft", (string?)operation["tags"]![0]));
        Assert.DoesNotContain("FileDiff", await Server.Anonymous.GetStringAsync("/openapi/v1.json", Cancelled), StringComparison.Ordinal);
    }

    private string Path(PageSite site, string path) => $"/updraft{Server.OrganizationPath}/deployments/{site.Id}/{path}";
}
