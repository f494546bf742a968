using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Packs that the server has in an object store: it sends agents there with an address that works for some minutes.</summary>
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
                (context.Response.StatusCode, context.Response.Headers.Location) = (307, new Uri(_target, id.Value + "?signature=x").AbsoluteUri);
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
    public async Task The_store_is_asked_for_the_same_range_and_does_not_see_the_token()
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
    [InlineData("cut off")]
    [InlineData("hung up")]
    [InlineData("nobody there")]
    [InlineData("endless redirect")]
    public async Task When_the_store_fails_the_server_gives_the_bytes_and_the_store_is_left_alone_for_a_while(string failure)
    {
        if (failure == "nobody there")
            _target = new Uri($"http://127.0.0.1:{Updraft.Testing.LoopbackPort.Lease()}");
        _store.Intercept = context => FailAsync(context, failure);
        _server.Deploy(("dags", Tree.Of(("a.py", "one"), ("b.py", new string('b', 10_000)))));
        await _server.WaitForActiveAsync(1);

        Assert.Equal("one", _agent.Texts("dags")["a.py"]);
        Assert.Equal(2, _server.PackRequests.Count);
        var asked = _store.Requests.Count;
        Assert.Contains("store-avoided", _agent.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("signature", _agent.Log, StringComparison.Ordinal);

        _server.Deploy(("dags", Tree.Of(("a.py", "three"))));
        await _server.WaitForActiveAsync(2);

        Assert.Equal("three", _agent.Texts("dags")["a.py"]);
        Assert.Equal(asked, _store.Requests.Count);
        Assert.Equal(3, _server.PackRequests.Count);
    }

    [Fact]
    public async Task When_the_server_fails_it_is_not_asked_twice()
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

        Assert.DoesNotContain("store-avoided", _agent.Log, StringComparison.Ordinal);
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
            case "cut off":
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
