using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

public sealed partial class TrapTests
{
    [Fact]
    public void Every_trap_of_the_clients_has_a_test()
    {
        var tested = typeof(TrapTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FactAttribute>() is not null)
            .SelectMany(method => method.GetCustomAttributes<TraitAttribute>().Where(trait => trait.Name == "catalog")
                .Select(trait => trait.Value)
                .Append(method.Name))
            .SelectMany(text => Trap().Matches(text))
            .SelectMany(match => match.Groups["number"].Captures)
            .Select(number => int.Parse(number.Value, CultureInfo.InvariantCulture)).ToHashSet();

        var missing = Enumerable.Range(1, 25).Except(tested).ToList();
        Assert.True(missing.Count == 0, $"No test covers trap {string.Join(", ", missing)}, in which clients crash or fail silently. "
            + "Mark its test with [Trait(\"catalog\", \"Trap NN\")].");
    }

    [GeneratedRegex(@"Trap([ _](?<number>\d\d))+", RegexOptions.ExplicitCapture)]
    private static partial Regex Trap();
}
