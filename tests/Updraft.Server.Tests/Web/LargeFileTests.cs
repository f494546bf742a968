using System.Net;

namespace Updraft.Server.Tests.Web;

/// <summary>Pages about files that would make a page of megabytes.</summary>
public sealed class LargeFileTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const int MaxPageBytes = 1024 * 1024;

    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData("newlines")]
    [InlineData("returns")]
    [InlineData("one line")]
    [InlineData("markup")]
    public async Task Page_of_a_large_text_shows_its_beginning_and_says_so(string kind)
    {
        var site = await PageSite.CreateAsync(Server);
        var (_, version) = await site.DeployAsync(kind, ("dags/large.txt", Content(kind)));
        using var visitor = await Visitor.SignedInAsync(Server);
        var html = await visitor.ReadAsync($"{site.Page}/versions/{version}/files?path=dags/large.txt");
        Assert.InRange(html.Length, 1, MaxPageBytes);
        Assert.Contains("The page shows the beginning", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Comparison_counts_all_line_ends()
    {
        var site = await PageSite.CreateAsync(Server);
        await site.DeployAsync("one", ("dags/cr.txt", string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i}\r"))));
        var (second, _) = await site.DeployAsync("two", ("dags/cr.txt", string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i}x\r"))));
        var path = $"/updraft{Server.OrganizationPath}/deployments/{site.Id}/deploys/{second}/files/text-diff?bundle=dags&path=dags/cr.txt";
        Assert.Contains("exceeds the limit of 20000 lines", (await Server.Client.GetOkAsync(path)).Text("reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Comparison_of_wholly_different_texts_gives_a_reason()
    {
        var site = await PageSite.CreateAsync(Server);
        await site.DeployAsync("one", ("dags/a.txt", string.Concat(Enumerable.Range(0, 19_000).Select(i => $"{i}\n"))));
        var (second, _) = await site.DeployAsync("two", ("dags/a.txt", string.Concat(Enumerable.Range(0, 19_000).Select(i => $"{i}x\n"))));
        var path = $"/updraft{Server.OrganizationPath}/deployments/{site.Id}/deploys/{second}/files/text-diff?bundle=dags&path=dags/a.txt";
        Assert.Contains("too many differences", (await Server.Client.GetOkAsync(path)).Text("reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Caller_with_too_many_waiting_reads_gets_503_and_a_pause()
    {
        await using var server = await UpdraftServer.StartAsync(
            settings: new Dictionary<string, string> { ["Reads:MaxPerCaller"] = "1", ["Reads:MaxWaiting"] = "0" });
        var site = await PageSite.CreateAsync(server);
        var (_, version) = await site.DeployAsync("one", ("dags/a.txt", new string('x', 8_000_000)));
        var path = $"/updraft{server.OrganizationPath}/deployments/{site.Id}/versions/{version}";
        // The client reads nothing, so the response does not end.
        using var slow = await server.Client.GetAsync(path + "/content?path=dags/a.txt", HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
        using var rejected = await server.Client.GetAsync(path + "/files", TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "too_many_reads", "3"), (rejected.StatusCode,
            rejected.Headers.GetValues("x-error-code").Single(), rejected.Headers.GetValues("Retry-After").Single()));
        var other = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId));
        await other.GetOkAsync(path + "/files");
    }

    private static string Content(string kind) => kind switch
    {
        "newlines" => new string('\n', 512 * 1024),
        "returns" => new string('\r', 512 * 1024),
        "one line" => new string('x', 512 * 1024),
        _ => new string('<', 512 * 1024),
    };
}
