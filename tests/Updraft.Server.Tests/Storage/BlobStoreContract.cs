using System.Text;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>What every blob store must do. A driver's tests derive from this and say how to open the store.</summary>
public abstract class BlobStoreContract
{
    private protected abstract IBlobStore Store { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_committed_blob_is_read_back()
    {
        await WriteAsync("packs/one/two", "content");

        Assert.Equal("content", await ReadAsync("packs/one/two"));
        Assert.Equal(7, await Store.LengthAsync("packs/one/two", Cancelled));
    }

    [Fact]
    public async Task Nothing_is_visible_before_the_commit()
    {
        await using var blob = await Store.CreateAsync("packs/one", Cancelled);
        blob.Content.Write("content"u8);
        await blob.Content.FlushAsync(Cancelled);

        Assert.Null(await Store.LengthAsync("packs/one", Cancelled));
        await Assert.ThrowsAsync<FileNotFoundException>(() => Store.OpenAsync("packs/one", Cancelled));
    }

    [Fact]
    public async Task Disposing_without_a_commit_leaves_the_blob_before()
    {
        await WriteAsync("one", "old");
        await using (var blob = await Store.CreateAsync("one", Cancelled))
            blob.Content.Write("new"u8);

        Assert.Equal("old", await ReadAsync("one"));
    }

    [Fact]
    public async Task A_commit_replaces_the_blob_before()
    {
        await WriteAsync("one", "old and longer");
        await WriteAsync("one", "new");

        Assert.Equal("new", await ReadAsync("one"));
    }

    [Fact]
    public async Task An_open_reader_keeps_what_it_opened()
    {
        await WriteAsync("one", "old");
        await using var reader = await Store.OpenAsync("one", Cancelled);
        await WriteAsync("one", "new");

        using var text = new StreamReader(reader);
        Assert.Equal("old", await text.ReadToEndAsync(Cancelled));
    }

    [Fact]
    public async Task Content_can_be_rewritten_and_cut_before_the_commit()
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
    public async Task A_missing_blob_has_no_length_and_cannot_be_opened()
    {
        await WriteAsync("packs/one", "content");

        foreach (var key in new[] { "packs/two", "packs", "other/one" })
        {
            Assert.Null(await Store.LengthAsync(key, Cancelled));
            await Assert.ThrowsAsync<FileNotFoundException>(() => Store.OpenAsync(key, Cancelled));
        }
    }

    [Fact]
    public async Task A_deleted_blob_is_gone_and_deleting_again_is_fine()
    {
        await WriteAsync("packs/one", "content");
        await Store.DeleteAsync("packs/one", Cancelled);
        await Store.DeleteAsync("packs/one", Cancelled);
        await Store.DeleteAsync("never/was", Cancelled);

        Assert.Null(await Store.LengthAsync("packs/one", Cancelled));
    }

    [Fact]
    public async Task Deleting_a_prefix_removes_what_is_below_it_and_nothing_else()
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
    public async Task A_deleted_prefix_can_be_written_again()
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
    public async Task A_key_of_another_form_is_refused(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CreateAsync(key, Cancelled));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.OpenAsync(key, Cancelled));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(key, Cancelled));
    }

    [Fact]
    public async Task Key_components_may_have_200_characters_and_no_more()
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

    [Fact]
    public Task A_working_store_passes_its_check() => Store.CheckAsync(Cancelled);

    private protected async Task WriteAsync(string key, string content)
    {
        await using var blob = await Store.CreateAsync(key, Cancelled);
        blob.Content.Write(Encoding.UTF8.GetBytes(content));
        await blob.CommitAsync(Cancelled);
    }

    private async Task<string> ReadAsync(string key)
    {
        using var reader = new StreamReader(await Store.OpenAsync(key, Cancelled));
        return await reader.ReadToEndAsync(Cancelled);
    }
}
