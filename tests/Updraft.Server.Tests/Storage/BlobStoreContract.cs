using System.Net;
using System.Text;
using Updraft.Server.Api;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>The contract of every blob store. The tests of each store derive from this class and open the store.</summary>
public abstract class BlobStoreContract
{
    private protected abstract IBlobStore Store { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Committed_blob_can_be_read_back()
    {
        await WriteAsync("packs/one/two", "content");

        Assert.Equal("content", await ReadAsync("packs/one/two"));
        Assert.Equal(7, await Store.LengthAsync("packs/one/two", Cancelled));
    }

    [Fact]
    public async Task Blob_is_invisible_before_the_commit()
    {
        await using var blob = await Store.CreateAsync("packs/one", Cancelled);
        blob.Content.Write("content"u8);
        await blob.Content.FlushAsync(Cancelled);

        Assert.Null(await Store.LengthAsync("packs/one", Cancelled));
        await Assert.ThrowsAsync<FileNotFoundException>(() => Store.OpenAsync("packs/one", Cancelled));
    }

    [Fact]
    public async Task Disposing_without_a_commit_keeps_the_earlier_blob()
    {
        await WriteAsync("one", "old");
        await using (var blob = await Store.CreateAsync("one", Cancelled))
            blob.Content.Write("new"u8);

        Assert.Equal("old", await ReadAsync("one"));
    }

    [Fact]
    public async Task Commit_replaces_the_earlier_blob()
    {
        await WriteAsync("one", "old and longer");
        await WriteAsync("one", "new");

        Assert.Equal("new", await ReadAsync("one"));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3_000_000)]
    public async Task Open_reader_continues_with_its_content_or_fails(int length)
    {
        await WriteAsync("one", new string('a', length));
        await using var reader = await Store.OpenAsync("one", Cancelled);
        await WriteAsync("one", new string('b', length));

        var content = new byte[length];
        try
        {
            await reader.ReadExactlyAsync(content, Cancelled);
        }
        catch (BlobStoreException)
        {
            return;
        }
        Assert.DoesNotContain((byte)'b', content);
    }

    [Fact]
    public async Task Content_can_be_rewritten_and_truncated_before_the_commit()
    {
        await using (var blob = await Store.CreateAsync("one", Cancelled))
        {
            blob.Content.Write("0123456789"u8);
            blob.Content.SetLength(4);
            blob.Content.Position = 1;
            blob.Content.Write("x"u8);
            await blob.CommitAsync(Cancelled);
        }

        Assert.Equal("0x23", await ReadAsync("one"));
    }

    [Fact]
    public async Task Readers_can_seek()
    {
        await WriteAsync("one", "0123456789");
        await using var reader = await Store.OpenAsync("one", Cancelled);
        reader.Position = 7;

        Assert.Equal(10, reader.Length);
        Assert.Equal('7', reader.ReadByte());
    }

    [Fact]
    public async Task Missing_blob_has_no_length_and_cannot_be_opened()
    {
        await WriteAsync("packs/one", "content");

        foreach (var key in new[] { "packs/two", "packs", "other/one" })
        {
            Assert.Null(await Store.LengthAsync(key, Cancelled));
            await Assert.ThrowsAsync<FileNotFoundException>(() => Store.OpenAsync(key, Cancelled));
        }
    }

    [Fact]
    public async Task Deleted_blob_is_missing_and_can_be_deleted_again()
    {
        await WriteAsync("packs/one", "content");
        await Store.DeleteAsync("packs/one", Cancelled);
        await Store.DeleteAsync("packs/one", Cancelled);
        await Store.DeleteAsync("never/was", Cancelled);

        Assert.Null(await Store.LengthAsync("packs/one", Cancelled));
    }

    [Fact]
    public async Task Deleting_a_prefix_deletes_exactly_the_blobs_below_it()
    {
        foreach (var key in new[] { "packs/one/a", "packs/one/b/c", "packs/one-more/a", "packs/two" })
            await WriteAsync(key, key);
        await Store.DeleteAllAsync("packs/one/", Cancelled);
        await Store.DeleteAllAsync("packs/one/", Cancelled);

        Assert.Null(await Store.LengthAsync("packs/one/a", Cancelled));
        Assert.Null(await Store.LengthAsync("packs/one/b/c", Cancelled));
        Assert.Equal("packs/one-more/a", await ReadAsync("packs/one-more/a"));
        Assert.Equal("packs/two", await ReadAsync("packs/two"));
    }

    [Fact]
    public async Task Deleted_prefix_can_be_written_again()
    {
        await WriteAsync("packs/one/a", "old");
        await Store.DeleteAllAsync("packs/one/", Cancelled);
        await WriteAsync("packs/one/a", "new");

        Assert.Equal("new", await ReadAsync("packs/one/a"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/one")]
    [InlineData("one/")]
    [InlineData("one//two")]
    [InlineData("../one")]
    [InlineData("one/../two")]
    [InlineData("one/.hidden")]
    [InlineData("One")]
    [InlineData("one two")]
    [InlineData("one\\two")]
    [InlineData("one\0")]
    [InlineData("é")]
    [InlineData("one.")]
    [InlineData("one./two")]
    [InlineData("tmp")]
    [InlineData("tmp/one")]
    [InlineData("%2e%2e/one")]
    [InlineData("one?two")]
    public async Task Invalid_key_is_rejected(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CreateAsync(key, Cancelled));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.OpenAsync(key, Cancelled));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(key, Cancelled));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.LengthAsync(key, Cancelled));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ShareAsync(key, TimeSpan.FromMinutes(1), Cancelled));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("packs")]
    [InlineData("../")]
    [InlineData("tmp/")]
    public async Task Invalid_prefix_is_rejected(string prefix)
    {
        await WriteAsync("packs/one", "content");
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAllAsync(prefix, Cancelled));
        Assert.Equal("content", await ReadAsync("packs/one"));
    }

    [Fact]
    public async Task Key_component_has_at_most_200_characters()
    {
        await WriteAsync("packs/" + new string('a', 200), "content");

        await Assert.ThrowsAsync<ArgumentException>(() => Store.CreateAsync("packs/" + new string('a', 201), Cancelled));
    }

    [Fact]
    public async Task Many_writers_of_one_key_leave_one_complete_blob()
    {
        var writers = Enumerable.Range(0, 8).Select(i => Task.Run(() => WriteAsync("packs/same", new string((char)('a' + i), 50_000))));
        await Task.WhenAll(writers);

        var text = await ReadAsync("packs/same");
        Assert.Equal(new string(text[0], 50_000), text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(256 * 1024 - 1)]
    [InlineData(256 * 1024)]
    [InlineData(256 * 1024 + 1)]
    [InlineData(5 * 1024 * 1024 + 7)]
    [InlineData(33 * 1024 * 1024 + 1)]
    public async Task Blob_of_any_length_can_be_read_back(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        await WriteAsync("packs/odd", content);

        Assert.Equal(length, await Store.LengthAsync("packs/odd", Cancelled));
        await using var reader = await Store.OpenAsync("packs/odd", Cancelled);
        Assert.Equal(length, reader.Length);
        var read = new byte[length];
        await reader.ReadExactlyAsync(read, Cancelled);
        Assert.Equal(0, await reader.ReadAsync(new byte[1], Cancelled));
        Assert.True(content.AsSpan().SequenceEqual(read));
    }

    [Fact]
    public async Task Any_range_can_be_read_synchronously_and_asynchronously()
    {
        var content = new byte[9_000_001];
        var random = new Random(1);
        random.NextBytes(content);
        await WriteAsync("packs/large", content);
        await using var reader = await Store.OpenAsync("packs/large", Cancelled);
        for (var i = 0; i < 40; i++)
        {
            var start = random.Next(content.Length);
            var length = Math.Min(content.Length - start, random.Next(1, i % 4 == 0 ? 6_000_000 : 5000));
            var read = new byte[length];
            reader.Position = start;
            if (i % 2 == 0)
                await reader.ReadExactlyAsync(read, Cancelled);
            else
                reader.ReadExactly(read);
            Assert.True(content.AsSpan(start, length).SequenceEqual(read), $"{length} bytes from {start}");
            Assert.Equal(start + length, reader.Position);
        }
        reader.Position = content.Length + 5;
        Assert.Equal(0, await reader.ReadAsync(new byte[10], Cancelled));
        Assert.Equal(content.Length - 3, reader.Seek(-3, SeekOrigin.End));
        Assert.Equal(content[^3], reader.ReadByte());
        Assert.Equal(content.Length - 1, reader.Seek(1, SeekOrigin.Current));
    }

    [Fact]
    public async Task Prefix_with_more_than_one_page_is_deleted_completely()
    {
        await Parallel.ForAsync(0, 1_050, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancelled },
            async (i, _) => await WriteAsync($"staging/many/{i:0000}", "x"));
        await WriteAsync("staging/other/one", "stays");

        await Store.DeleteAllAsync("staging/many/", Cancelled);

        Assert.Equal(["staging/other/one"], await FootprintAsync());
    }

    [Fact]
    public async Task Many_large_writers_of_one_key_leave_one_complete_blob()
    {
        const int Length = 20_000_000;
        var writers = Enumerable.Range(0, 4).Select(i =>
            Task.Run(() => WriteAsync("packs/same", Enumerable.Repeat((byte)('a' + i), Length).ToArray())));
        await Task.WhenAll(writers);

        await using var reader = await Store.OpenAsync("packs/same", Cancelled);
        var content = new byte[Length];
        await reader.ReadExactlyAsync(content, Cancelled);
        Assert.False(content.AsSpan().ContainsAnyExcept(content[0]), "Contents of two writers were mixed.");
        Assert.Equal(["packs/same"], await FootprintAsync());
    }

    [Fact]
    public async Task Abandoned_writer_leaves_nothing()
    {
        await using (var blob = await Store.CreateAsync("packs/one", Cancelled))
            blob.Content.Write(new byte[20_000_000]);
        await using (await Store.CreateAsync("packs/two", Cancelled))
        {
        }

        Assert.Empty(await FootprintAsync());
    }

    [Fact]
    public async Task Canceled_commit_leaves_a_complete_blob_or_none()
    {
        using var before = new CancellationTokenSource();
        await before.CancelAsync();
        await using (var blob = await Store.CreateAsync("packs/never", Cancelled))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blob.CommitAsync(before.Token));

        var content = new byte[40_000_000];
        new Random(2).NextBytes(content);
        for (var milliseconds = 1; milliseconds < 300; milliseconds *= 3)
        {
            using var cancel = new CancellationTokenSource();
            await using (var blob = await Store.CreateAsync("packs/one", Cancelled))
            {
                blob.Content.Write(content);
                cancel.CancelAfter(milliseconds);
                try
                {
                    await blob.CommitAsync(cancel.Token);
                }
                catch (OperationCanceledException)
                {
                    // Possible, but not certain: the commit may complete before the cancellation.
                }
            }
            Assert.True(await Store.LengthAsync("packs/one", Cancelled) is null or 40_000_000);
            Assert.All(await FootprintAsync(), name => Assert.Equal("packs/one", name));
            await Store.DeleteAsync("packs/one", Cancelled);
        }
    }

    [Fact]
    public async Task Key_of_512_characters_is_accepted_and_a_longer_one_rejected()
    {
        var key = string.Join('/', new string('a', 200), new string('b', 200), new string('c', 110));
        await WriteAsync(key, "content");

        Assert.Equal(512, key.Length);
        Assert.Equal("content", await ReadAsync(key));
        Assert.Equal([key], await FootprintAsync());
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CreateAsync(key + "c", Cancelled));
    }

    [Fact]
    public async Task Working_store_passes_repeated_checks()
    {
        for (var i = 0; i < 3; i++)
            await Store.CheckAsync(Cancelled);
        Assert.Empty(await FootprintAsync());
    }

    [Fact]
    public async Task Shared_URL_allows_only_reads_of_its_blob()
    {
        await WriteAsync("packs/one", "0123456789");
        await WriteAsync("packs/two", "another");
        if (await Store.ShareAsync("packs/one", TimeSpan.FromMinutes(5), Cancelled) is not { } url)
            return;
        using var http = new HttpClient();
        Assert.Equal("0123456789", await http.GetStringAsync(url, Cancelled));
        using var part = new HttpRequestMessage(HttpMethod.Get, url);
        part.Headers.Range = new(2, 4);
        using var response = await http.SendAsync(part, Cancelled);
        Assert.Equal((HttpStatusCode.PartialContent, "234"), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled)));
        Assert.Equal("bytes 2-4/10", response.Content.Headers.ContentRange?.ToString());
        await AssertSharesNothingElseAsync(http, url);
    }

    /// <summary>Keys of all blobs in the store, with uncommitted ones if the store can list them.</summary>
    private protected abstract Task<IReadOnlyList<string>> FootprintAsync();

    /// <summary>Asserts the protection by the signature, if the store verifies signatures.</summary>
    private protected virtual Task AssertSharesNothingElseAsync(HttpClient http, Uri url) => Task.CompletedTask;

    private protected Task WriteAsync(string key, string content) => WriteAsync(key, Encoding.UTF8.GetBytes(content));

    private protected async Task WriteAsync(string key, byte[] content)
    {
        await using var blob = await Store.CreateAsync(key, Cancelled);
        blob.Content.Write(content);
        await blob.CommitAsync(Cancelled);
    }

    private protected async Task<string> ReadAsync(string key)
    {
        using var reader = new StreamReader(await Store.OpenAsync(key, Cancelled));
        return await reader.ReadToEndAsync(Cancelled);
    }
}
