using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Updraft.Server.Tests.Events;

/// <summary>Tests every route that changes data. The test finds new routes by itself.</summary>
public sealed class EveryChangeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly string[] Prefixes = ["/v1", "/platform/v1beta1", "/labs/v1.1", "/v1alpha1", "/iam/v1beta1", "/updraft/v1"];

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void Table_has_every_route_that_changes_data()
    {
        var routes = Routes().Select(route => Key(route.Method, route.Path)).ToHashSet(StringComparer.Ordinal);
        var missing = routes.Where(route => !ChangingRoutes.Silent.ContainsKey(route) && !ChangingRoutes.Recorded.ContainsKey(route))
            .ToList();
        Assert.True(missing.Count == 0, "The audit log must have every change. Record an event in the transaction of the operation "
            + "(Events/EventLog.cs), and list it in "
            + "ChangingRoutes.cs. If the route needs no event, list the reason there:\n" + string.Join('\n', missing));
        Assert.Equal([], ChangingRoutes.Silent.Keys.Concat(ChangingRoutes.Recorded.Keys).Where(key => !routes.Contains(key)));
    }

    [Fact]
    public async Task Changes_record_events_and_failed_requests_record_none()
    {
        var wrong = new List<string>();
        var site = new ChangingRoutes(Server);
        foreach (var (method, path) in Routes())
        {
            var before = await Server.CountLogAsync();
            using (var request = new HttpRequestMessage(new HttpMethod(method == "*" ? "POST" : method),
                site.Fill(path, [.. Enumerable.Repeat("cunknown0000000000000000x", 5)])))
            {
                request.Content = JsonRequests.Json("{");
                using var response = await Server.Client.SendAsync(request, Cancelled);
                if (response.StatusCode < HttpStatusCode.BadRequest && path is not ("/oauth/revoke" or "/signout"))
                    wrong.Add($"{method} {path} returned {(int)response.StatusCode} to nonsense");
            }
            if (await Server.TypesSinceAsync(before) is { Count: > 0 } written)
                wrong.Add($"{method} {path} failed and wrote {string.Join(", ", written)}");
            if (!ChangingRoutes.Recorded.TryGetValue(Key(method, path), out var change))
                continue;
            var send = await change.Prepare(site, path);
            before = await Server.CountLogAsync();
            using var done = await send();
            if (done.StatusCode >= HttpStatusCode.BadRequest)
                wrong.Add($"{method} {path} returned {(int)done.StatusCode}: {await done.Content.ReadAsStringAsync(Cancelled)}");
            var types = await Server.TypesSinceAsync(before);
            if (!types.SequenceEqual(change.Types))
                wrong.Add($"{method} {path} wrote {string.Join(", ", types)} instead of {string.Join(", ", change.Types)}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.DoesNotContain("hidden-value", string.Concat((await Server.ReadLogAsync()).Select(row => row.ToJsonString())),
            StringComparison.Ordinal);
    }

    private List<(string Method, string Path)> Routes() =>
        [.. Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .SelectMany(route => (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["*"])
            .Select(method => (method, "/" + route.RoutePattern.RawText!.Trim('/'))))
        .Where(route => route.method is not ("GET" or "HEAD")).Distinct()];

    private static string Key(string method, string path)
    {
        var prefix = Array.Find(Prefixes, prefix => path.StartsWith(prefix + "/organizations", StringComparison.Ordinal));
        return $"{method} {path[(prefix ?? "").Length..]}";
    }
}
