namespace Updraft.Protocol.Tests;

public sealed class BundlePathTests
{
    [Theory]
    [InlineData("dags/a.py")]
    [InlineData("a b/ä/\U0001F600.py")]
    [InlineData("...")]
    [InlineData(".airflowignore")]
    [InlineData("c/C:")]
    public void Ordinary_paths_are_accepted(string path) => Assert.Null(BundlePath.Problem(path));

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("./a")]
    [InlineData("a/..")]
    [InlineData("../a")]
    [InlineData("a\\b")]
    [InlineData("C:/a")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("a\u001bb")]
    [InlineData("a\u0085b")]
    [InlineData("a\u202eb")]
    [InlineData("a\u2066b")]
    public void Escaping_or_deceptive_path_is_rejected(string path) => Assert.NotNull(BundlePath.Problem(path));

    [Fact]
    public void Lone_surrogate_is_rejected() => Assert.NotNull(BundlePath.Problem("a" + (char)0xD800));

    [Fact]
    public void Limits_are_in_bytes()
    {
        Assert.Null(BundlePath.Problem(new string('a', 255)));
        Assert.NotNull(BundlePath.Problem(new string('a', 256)));
        Assert.NotNull(BundlePath.Problem(new string('ä', 128)));
        Assert.Null(BundlePath.Problem(string.Join('/', Enumerable.Repeat("a", 1024))));
        Assert.NotNull(BundlePath.Problem(string.Join('/', Enumerable.Repeat("a", 1025))));
        Assert.NotNull(BundlePath.Problem(string.Join('/', Enumerable.Repeat(new string('a', 250), 17))));
    }
}
