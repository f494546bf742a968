using Microsoft.AspNetCore.Http;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Packs in an object store: the server redirects agents to a signed URL of the store.</summary>
public sealed class RedirectTests : IAsyncLifetime
{
    private const string Packs = "/agent/v1/packs";

    private readonly TestAgent _agent = new();
    private StandInServer _server = null!, _store = null!;
    private Uri _target = null!;

    public async ValueTask InitializeAsync()
    {
        (_server, _store) = (await StandInServer.StartAsync(), await StandInServer.StartAsync());
        _target = _store.Address;
        _store.Intercept = ServeAsync;
        _server.Intercept = context =>
        {
            var isRedirected = context.Request.Path.StartsWithSegments(Packs, StringComparison.Ordinal, out var id)
                && context.Request.Query["direct"] != "true";
            if (isRedirected)
            {
                context.Response.StatusCode = 307;
                context.Response.Headers.Location = new Uri(_target, id.Value + "?signature=x").AbsoluteUri;
            }
            return Task.FromResult(isRedirected);
        };
        _agent.Start(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Store_gets_range_but_no_token()
    {
        _server.Deploy(("dags", Tree.Of(("a.py", "one"), ("b.py", "two"))));
        await _server.WaitForActiveAsync(1);

        var seen = Assert.Single(_store.Requests);
        Assert.Null(seen.Authorization);
        Assert.Equal(Assert.Single(_server.PackRequests).Range, seen.Range);
        Assert.NotNull(seen.Range);
        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("missing")]
    [InlineData("broken")]
    [InlineData("whole pack")]
    [InlineData("other range")]
    [InlineData("damaged")]
    [InlineData("truncated")]
    [InlineData("aborted")]
    [InlineData("unreachable")]
    [InlineData("endless redirect")]
    public async Task Failed_store_causes_download_through_server_for_a_while(string failure)
    {
        if (failure == "unreachable")
            _target = new Uri($"http://127.0.0.1:{Updraft.Testing.LoopbackPort.Lease()}");
        _store.Intercept = context => FailAsync(context, failure);
        _server.Deploy(("dags", Tree.Of(("a.py", "one"), ("b.py", new string('b', 10_000)))));
        await _server.WaitForActiveAsync(1);

        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
        Assert.Equal(2, _server.PackRequests.Count);
        var requests = _store.Requests.Count;
        Assert.Contains("pack_store_fallback", _agent.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("signature", _agent.Log, StringComparison.Ordinal);

        _server.Deploy(("dags", Tree.Of(("a.py", "three"))));
        await _server.WaitForActiveAsync(2);

        Assert.Equal("three", _agent.Texts("dags")["a.py"]);
        Assert.Equal(requests, _store.Requests.Count);
        Assert.Equal(3, _server.PackRequests.Count);
    }

    [Fact]
    public async Task Failed_server_is_not_requested_twice()
    {
        _server.Intercept = context =>
        {
            var isPack = context.Request.Path.StartsWithSegments(Packs, StringComparison.Ordinal);
            if (isPack)
                context.Response.StatusCode = 503;
            return Task.FromResult(isPack);
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "one"))));
        await _server.WaitForFailureAsync(1);

        Assert.DoesNotContain("pack_store_fallback", _agent.Log, StringComparison.Ordinal);
    }

    private async Task<bool> ServeAsync(HttpContext context)
    {
        await StandInServer.PackAsync(context, _server.Packs[context.Request.Path.Value![1..]]);
        return true;
    }

    private async Task<bool> FailAsync(HttpContext context, string failure)
    {
        var pack = _server.Packs[context.Request.Path.Value![1..]];
        switch (failure)
        {
            case "expired":
                context.Response.StatusCode = 403;
                break;
            case "missing":
                context.Response.StatusCode = 404;
                break;
            case "broken":
                context.Response.StatusCode = 500;
                break;
            case "whole pack":
                await context.Response.Body.WriteAsync(pack);
                break;
            case "other range":
                context.Request.Headers.Range = "bytes=1-5";
                await StandInServer.PackAsync(context, pack);
                break;
            case "damaged":
                var damaged = pack.Select(value => (byte)(value ^ 0x55)).ToArray();
                await StandInServer.PackAsync(context, damaged);
                break;
            case "truncated":
                context.Response.StatusCode = 206;
                context.Response.Headers.ContentRange = $"{context.Request.Headers.Range.ToString().Replace('=', ' ')}/{pack.Length}";
                context.Response.ContentLength = 1_000;
                await context.Response.Body.WriteAsync(pack.AsMemory(8, 10));
                await context.Response.Body.FlushAsync();
                context.Abort();
                break;
            case "endless redirect":
                (context.Response.StatusCode, context.Response.Headers.Location) = (307, context.Request.Path.Value);
                break;
            default:
                context.Abort();
                break;
        }
        return true;
    }
}
