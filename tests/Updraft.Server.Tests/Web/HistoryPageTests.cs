using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Web;

/// <summary>Lists of the web UI with several pages. All pages together show each row once.</summary>
public sealed partial class HistoryPageTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(26)]
    [InlineData(50)]
    [InlineData(51)]
    public async Task History_pages_show_every_deploy_once(int count)
    {
        var site = await PageSite.CreateAsync(Server);
        var made = new List<string>();
        for (var i = 0; i < count; i++)
        {
            made.Insert(0, (await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{site.Id}/deploys",
                new JsonObject { ["type"] = "IMAGE_AND_DAG", ["description"] = $"deploy {i}" })).Text("id"));
        }
        using var visitor = await Visitor.SignedInAsync(Server);

        var shown = new List<string>();
        var pages = 0;
        for (var page = site.Page; page is not null; pages++)
        {
            Assert.True(pages < 10, "The pages do not end.");
            var html = await visitor.ReadAsync(page);
            shown.AddRange(Row().Matches(html).Select(row => row.Groups["id"].Value));
            page = Older().Match(html) is { Success: true } older
                ? new Uri(new Uri(Server.BaseAddress, page), WebUtility.HtmlDecode(older.Groups["url"].Value)).PathAndQuery
                : null;
        }

        Assert.Equal(made, shown);
        Assert.Equal((count + 24) / 25, pages);
    }

    [Theory]
    [InlineData(49)]
    [InlineData(50)]
    [InlineData(51)]
    public async Task Audit_log_pages_show_every_event_once(int count)
    {
        // The first event is the creation of the Workspace.
        var workspace = await Server.CreateWorkspaceAsync($"audited {count}");
        var names = new List<string> { $"audited {count}" };
        for (var i = 1; i < count; i++)
        {
            names.Insert(0, $"audited {count} {i}");
            await Server.CreateDeploymentAsync(names[0], workspace);
        }
        using var visitor = await Visitor.SignedInAsync(Server);

        var shown = new List<string>();
        for (var (offset, hasMore) = (0, true); hasMore; offset += 50)
        {
            var html = await visitor.ReadAsync($"/audit-log?workspaceId={workspace}&offset={offset}");
            var table = html[html.IndexOf("<tbody", StringComparison.Ordinal)..html.IndexOf("</tbody", StringComparison.Ordinal)];
            shown.AddRange(Name().Matches(table).Select(match => match.Groups["name"].Value));
            hasMore = html.Contains(">Older<", StringComparison.Ordinal);
        }

        Assert.Equal(names, shown);
    }

    [GeneratedRegex("<th scope=\"row\">.*?(?<name>audited [0-9]+( [0-9]+)?)\\s*<.*?</th>", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Name();

    [GeneratedRegex("<th scope=\"row\"><a href=\"/deployments/[^/]+/deploys/(?<id>[^\"/]+)\"")]
    private static partial Regex Row();

    [GeneratedRegex("<a [^>]*href=\"(?<url>[^\"]*below=[^\"]*)\"")]
    private static partial Regex Older();
}
