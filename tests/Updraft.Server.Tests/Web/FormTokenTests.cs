using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Tests.Events;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>Every form of the web UI, found among the routes and in the rendered pages, accepts only its own page's form token.</summary>
[Trait("Database", "any")]
public sealed partial class FormTokenTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Field = "__RequestVerificationToken", Unknown = "cunknown0000000000000000x";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Form_without_its_token_is_rejected_with_400()
    {
        var (ids, token) = (await CreateAsync(), await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER"));
        using var visitor = await Visitor.SignedInAsync(Server);
        using var other = await Visitor.SignedInAsync(Server, token);
        var otherToken = Visitor.FormToken(await other.ReadAsync("/tokens"));
        var (rejections, before) = (new Dictionary<string, string>(StringComparer.Ordinal), await Server.CountLogAsync());
        foreach (var path in Forms(ids))
        {
            (string, (string, string)[])[] cases = [("none", []), ("forged", [(Field, "forged")]), ("another user's", [(Field, otherToken)])];
            foreach (var (name, fields) in cases)
                rejections[$"{path} with the form token: {name}"] = await MessageAsync(await visitor.PostAsync(path, [.. fields, .. Valid(path)]));
        }

        Assert.True(rejections.Count > 40, $"Only {rejections.Count} forms were found.");
        // All messages are equal. A different message means that the operation has begun.
        var usual = rejections.Values.CountBy(message => message, StringComparer.Ordinal).MaxBy(count => count.Value).Key;
        Assert.StartsWith("400 ", usual, StringComparison.Ordinal);
        Assert.Empty(rejections.Where(rejection => rejection.Value != usual).Select(rejection => $"{rejection.Key}: {rejection.Value}"));
        Assert.Empty(await Server.TypesSinceAsync(before));
    }

    [Fact]
    public async Task Form_from_another_site_is_rejected_with_403()
    {
        var ids = await CreateAsync();
        using var visitor = await Visitor.SignedInAsync(Server);
        var (token, before) = (Visitor.FormToken(await visitor.ReadAsync("/tokens")), await Server.CountLogAsync());
        var accepted = new List<string>();
        foreach (var path in Forms(ids))
        {
            foreach (var site in (string[])["cross-site", "same-site", "none"])
            {
                using var response = await visitor.PostAsync(path, [(Field, token), .. Valid(path)], ("Sec-Fetch-Site", site));
                if (response.StatusCode != HttpStatusCode.Forbidden)
                    accepted.Add($"{path} from {site}: {(int)response.StatusCode}");
            }
        }
        Assert.Empty(accepted);
        Assert.Empty(await Server.TypesSinceAsync(before));
    }

    [Fact]
    public async Task Every_form_with_its_token_reaches_its_operation()
    {
        var ids = await CreateAsync();
        var rejection = "";
        var forms = Forms(ids).ToList();
        foreach (var path in forms)
        {
            // The form of the sign-out ends the session of its visitor.
            using var visitor = await Visitor.SignedInAsync(Server);
            if (rejection.Length == 0)
                rejection = await MessageAsync(await visitor.PostAsync(path, []));
            var token = Visitor.FormToken(await visitor.ReadAsync("/deployments"));
            Assert.NotEqual(rejection, await MessageAsync(await visitor.PostAsync(path, [(Field, token)])));
        }
        Assert.NotEmpty(forms);
    }

    [Fact]
    public async Task Every_rendered_form_has_a_token_and_posts_to_a_checked_route()
    {
        var ids = await CreateAsync();
        using var visitor = await Visitor.SignedInAsync(Server);
        var patterns = Routes("POST").Select(route => new Regex("^" + Parameter().Replace(Regex.Escape(route).Replace("\\{", "{", StringComparison.Ordinal), "[^/]+") + "$")).ToList();
        var actions = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in Routes("GET").Select(route => Fill(route, ids)).Where(path => !path.EndsWith("/events", StringComparison.Ordinal)))
        {
            using var response = await visitor.GetAsync(path);
            foreach (Match form in Form().Matches(await response.Content.ReadAsStringAsync(Cancelled)))
            {
                actions.Add(form.Groups["action"].Value);
                Assert.True(form.Value.Contains($"name=\"{Field}\"", StringComparison.Ordinal), $"{path} has a form without a token: {form.Value}");
                Assert.True(patterns.Exists(pattern => pattern.IsMatch(form.Groups["action"].Value)), $"{path} has a form for {form.Groups["action"].Value}, which is no form's route.");
            }
        }
        Assert.True(actions.Count >= 12, string.Join('\n', actions));
    }

    /// <summary>The URLs of all forms.</summary>
    private IEnumerable<string> Forms(Dictionary<string, string> ids) => Routes("POST").Select(route => Fill(route, ids));

    /// <summary>All routes of the web UI, and whatever else can be changed without a bearer token, but for the protocols of programs.</summary>
    private IEnumerable<string> Routes(string method) => Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(route => route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains(method) == true)
        .Select(route => (Path: "/" + route.RoutePattern.RawText!.Trim('/'), IsPage: route.Metadata.GetMetadata<PageRoute>() is not null,
            IsOpen: route.Metadata.GetMetadata<IAllowAnonymous>() is not null))
        .Where(route => route.IsPage || (method == "POST" && route.IsOpen && !route.Path.StartsWith("/oauth/", StringComparison.Ordinal)))
        .Select(route => route.Path).Distinct(StringComparer.Ordinal);

    private static string Fill(string path, Dictionary<string, string> ids) =>
        Parameter().Replace(path, match => ids.GetValueOrDefault(match.Groups["name"].Value, Unknown));

    /// <summary>Fields with which the operations that create something succeed.</summary>
    private (string, string)[] Valid(string path) => path switch
    {
        "/tokens" => [("name", "forged"), ("place", Server.OrganizationId), ("role", "ORGANIZATION_OWNER")],
        "/webhooks" => [("name", "forged"), ("place", Server.WorkspaceId), ("url", "https://hooks.example.org/"), ("events", "deploy.failed"), ("format", "STANDARD")],
        "/signin" => [("token", Server.OwnerToken)],
        _ => [("name", "forged")],
    };

    /// <summary>One of everything that a page can show.</summary>
    private async Task<Dictionary<string, string>> CreateAsync()
    {
        var site = await PageSite.CreateAsync(Server);
        var (deploy, version) = await site.DeployAsync("first", ("dags/shop.py", "one\n"));
        var (client, organization) = (Server.Client, Server.OrganizationPath);
        var webhook = (await client.PostOkAsync(WebhookSite.PathOf(Server),
            new JsonObject { ["name"] = site.Id, ["workspaceId"] = Server.WorkspaceId, ["url"] = "https://hooks.example.org/" })).Text("id");
        return new(StringComparer.Ordinal)
        {
            ["deploymentId"] = site.Id,
            ["deployId"] = deploy,
            ["version"] = version,
            ["bundleId"] = (await client.GetOkAsync($"{organization}/deployments/{site.Id}/bundles"))["bundles"]![0]!.AsObject().Text("id"),
            ["agentTokenId"] = (await client.PostOkAsync($"{organization}/deployments/{site.Id}/agent-tokens", new JsonObject { ["name"] = "agent" })).Text("id"),
            ["tokenId"] = (await client.PostOkAsync($"{organization}/tokens",
                new JsonObject { ["name"] = site.Id, ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" })).Text("id"),
            ["webhookId"] = webhook,
            ["deliveryId"] = (await client.PostOkAsync($"{WebhookSite.PathOf(Server)}/{webhook}/test", new JsonObject())).Text("id"),
            ["userId"] = (await Server.AddUserAsync($"{site.Id}@example.org")).UserId,
        };
    }

    /// <summary>Status and message of a response.</summary>
    private static async Task<string> MessageAsync(HttpResponseMessage response)
    {
        using (response)
            return $"{(int)response.StatusCode} {Message().Match(await response.Content.ReadAsStringAsync(Cancelled)).Groups["text"].Value}";
    }

    [GeneratedRegex("<section class=\"message\">.*?<h1>(?<text>.*?</h1>\\s*<p>.*?)</p>", RegexOptions.Singleline)]
    private static partial Regex Message();

    [GeneratedRegex("<form method=\"post\" action=\"(?<action>[^\"]+)\".*?</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("\\{\\**(?<name>\\w+)[^}]*\\}")]
    private static partial Regex Parameter();
}
