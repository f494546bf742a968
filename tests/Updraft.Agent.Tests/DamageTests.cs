using Microsoft.AspNetCore.Http;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>Damaged or wrong data from the network never becomes visible: only signed content does.</summary>
public sealed class DamageTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "the old one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Damaged_content_keeps_old_tree_and_is_retried()
    {
        var mount = _server.Mount("dags", Tree.Of(("a.py", "the new one")));
        var (pack, location) = _server.Find("the new one");
        var last = location.Offset + location.Length - 1;
        pack[last] ^= 1;
        _server.Deploy([mount]);
        await AssertOldTreeStaysAsync();

        pack[last] ^= 1;
        await _server.WaitForActiveAsync(2);
        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Content_with_another_digest_is_rejected()
    {
        var mount = _server.Mount("dags", Tree.Of(("a.py", "content 1"), ("b.py", "content 2")));
        var ((pack, first), (_, second)) = (_server.Find("content 1"), _server.Find("content 2"));
        Assert.Equal(first.Length, second.Length);
        var frame = pack.AsSpan((int)first.Offset, (int)first.Length).ToArray();
        pack.AsSpan((int)second.Offset, (int)second.Length).CopyTo(pack.AsSpan((int)first.Offset));
        frame.CopyTo(pack.AsSpan((int)second.Offset));
        _server.Deploy([mount]);

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Truncated_range_is_rejected()
    {
        RespondToPacks(async (context, pack, from, to) =>
        {
            Range(context, from, to, pack.Length);
            await context.Response.Body.WriteAsync(pack.AsMemory(from, to - from));
        });

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Bytes_after_range_are_not_read()
    {
        RespondToPacks(async (context, pack, from, to) =>
        {
            Range(context, from, to, pack.Length);
            await context.Response.Body.WriteAsync(pack.AsMemory(from, to - from + 1));
            // Without a declared length, the body can be endless. This one continues until the agent closes the connection.
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(new byte[64 * 1024]);
        });
        await _server.WaitForActiveAsync(2);

        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    public async Task Range_other_than_requested_is_rejected(int earlier, int later)
    {
        RespondToPacks(async (context, pack, from, to) =>
        {
            Range(context, from - earlier, to + later, pack.Length);
            await context.Response.Body.WriteAsync(pack.AsMemory(from - earlier, to + later - from + earlier + 1));
        });

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Complete_pack_in_place_of_range_is_rejected()
    {
        RespondToPacks(async (context, pack, _, _) => await context.Response.Body.WriteAsync(pack));

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Frame_longer_than_content_is_rejected()
    {
        var mount = _server.Mount("dags", Tree.Of(("a.py", "the new one")));
        _server.Deploy([mount with { Manifest = Swap(entry => entry with { Size = entry.Size - 1 }), Bytes = mount.Bytes - 1 }]);

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Difference_to_another_manifest_is_rejected()
    {
        var other = ManifestDiff.Between(null, Manifest.Create([]), new Dictionary<Digest, PackLocation>()).ToBytes();
        RespondToManifests(other);

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Difference_with_wrong_result_is_rejected()
    {
        var tree = Tree.Of(("a.py", "the new one"));
        _server.Store(tree);
        var digest = tree.ToManifest().Digest;
        RespondToManifests(System.Text.Encoding.UTF8.GetBytes($"updraft-diff 1\nfrom -\nto {digest}\n+ d injected\n"));

        await AssertOldTreeStaysAsync();
    }

    [Fact]
    public async Task Endless_manifest_is_not_read_completely()
    {
        _server.Intercept = async context =>
        {
            if (!context.Request.Path.StartsWithSegments("/agent/v1/manifests", StringComparison.Ordinal))
                return false;
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(new byte[64 * 1024]);
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));

        await AssertOldTreeStaysAsync();
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(0, -1)]
    public async Task Manifest_with_unsigned_totals_is_rejected(int files, int bytes)
    {
        var mount = _server.Mount("dags", Tree.Of(("a.py", "the new one")));
        _server.Deploy([mount with { Files = mount.Files + files, Bytes = mount.Bytes + bytes }]);

        await AssertOldTreeStaysAsync();
    }

    private async Task AssertOldTreeStaysAsync()
    {
        var failure = await _server.WaitForFailureAsync(2);
        Assert.False(string.IsNullOrEmpty(failure.Message));
        Assert.Equal(1, failure.ActiveRevision);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        Assert.Empty(Directory.GetFileSystemEntries(_agent.Own("trees"), "*.partial"));
    }

    private void RespondToPacks(Func<HttpContext, byte[], int, int, Task> respond)
    {
        _server.Intercept = async context =>
        {
            if (!context.Request.Path.StartsWithSegments("/agent/v1/packs", StringComparison.Ordinal, out var id))
                return false;
            var range = context.Request.GetTypedHeaders().Range!.Ranges.Single();
            await respond(context, _server.Packs[id.Value![1..]], (int)range.From!.Value, (int)range.To!.Value);
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
    }

    private void RespondToManifests(byte[] response)
    {
        _server.Intercept = async context =>
        {
            var isManifest = context.Request.Path.StartsWithSegments("/agent/v1/manifests", StringComparison.Ordinal);
            if (isManifest)
                await context.Response.Body.WriteAsync(response);
            return isManifest;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
    }

    /// <summary>Stores a manifest of the new tree with a changed entry, and returns its digest.</summary>
    private string Swap(Func<ManifestEntry, ManifestEntry> change)
    {
        var entry = Tree.Of(("a.py", "the new one")).ToManifest().Entries.Single();
        return _server.Store(Manifest.Create([change(entry)])).Digest.ToString();
    }

    private static void Range(HttpContext context, int from, int to, int total)
    {
        context.Response.StatusCode = 206;
        context.Response.Headers.ContentRange = $"bytes {from}-{to}/{total}";
    }
}
