using Updraft.Server.Deployments;

namespace Updraft.Server.Tests.Deployments;

public sealed class RuntimeVersionTests
{
    [Theory]
    [InlineData("9.1.0", "10.0.0", true)]
    [InlineData("10.0.0", "9.1.0", false)]
    [InlineData("9.9.0", "9.10.0", true)]
    [InlineData("9.1.9", "9.1.10", true)]
    [InlineData("9.1.0", "9.1.0", false)]
    [InlineData("9.1.0-base", "9.1.0", false)]
    [InlineData("9.1.0", "9.1.0-base", false)]
    [InlineData("9.1.0-python-3.11", "9.1.1", true)]
    [InlineData("3.0-4", "3.0-10", true)]
    [InlineData("3.0-10", "3.1-1", true)]
    [InlineData("3.1-1", "3.0-10", false)]
    [InlineData("3.0-4-base", "3.0-5", true)]
    // Airflow 3 introduced a new numbering.
    [InlineData("13.0.0", "3.0-1", true)]
    [InlineData("3.0-1", "13.0.0", false)]
    [InlineData("3.0.4", "3.0-1", true)]
    // A version that cannot be parsed is never older.
    [InlineData("", "9.1.0", false)]
    [InlineData("9.1.0", "", false)]
    [InlineData("main", "9.1.0", false)]
    [InlineData("9.1", "9.2.0", false)]
    [InlineData("v9.1.0", "10.0.0", false)]
    [InlineData("9.1.0", "99999999999999999999.0.0", false)]
    [InlineData("9.1.0\n", "10.0.0", false)]
    [InlineData("٩.1.0", "10.0.0", false)]
    public void Versions_are_compared_number_by_number(string version, string than, bool isOlder) =>
        Assert.Equal(isOlder, RuntimeVersion.IsOlder(version, than));

    [Theory]
    [InlineData("9.1.0", "9.1.0")]
    [InlineData("3.0-4+build_1", "3.0-4+build_1")]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("9.1.0\r\nX-Injected: yes", "")]
    [InlineData("<script>", "")]
    [InlineData("9.1.0 ", "")]
    public void Label_that_is_not_a_version_counts_as_unknown(string? label, string version) =>
        Assert.Equal(version, RuntimeVersion.OfLabel(label));

    [Fact]
    public void Label_has_at_most_64_characters()
    {
        Assert.Equal(64, RuntimeVersion.OfLabel(new string('1', 64)).Length);
        Assert.Equal("", RuntimeVersion.OfLabel(new string('1', 65)));
    }
}
