using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Api;

/// <summary>
/// Checks the own rules of an options class even if an attribute fails. The framework skips them then, and an operator would see their
/// mistakes only at the next start.
/// </summary>
/// <typeparam name="TOptions">An options class; others than <see cref="IValidatableObject"/> have no own rules.</typeparam>
internal sealed class ValidateOwnRules<TOptions> : IValidateOptions<TOptions>
    where TOptions : class
{
    public ValidateOptionsResult Validate(string? name, TOptions options)
    {
        if (options is not IValidatableObject own)
            return ValidateOptionsResult.Skip;
        var context = new ValidationContext(options);
        var known = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, context, known, validateAllProperties: true))
            return ValidateOptionsResult.Skip;
        var texts = known.Select(result => result.ErrorMessage).ToList();
        var hidden = own.Validate(context).Select(result => result.ErrorMessage ?? "").Where(text => !texts.Contains(text)).ToList();
        return hidden.Count == 0 ? ValidateOptionsResult.Skip : ValidateOptionsResult.Fail(hidden);
    }
}
