/** Sales regions; a level of the key of order-events-channel. */
export type Region = 'EMEA' | 'AMER' | 'APAC' | 'OTHER';

/** The region of a country as the input spells it; OTHER for what is not in the list, such as "Unspecified". */
export function regionOf(country: string): Region {
  return REGIONS.get(country.toLowerCase()) ?? 'OTHER';
}

/**
 * The department that sells an article: `D` and the first two digits of an article number (`85123A` is D85). Codes that are
 * no article numbers (POST, BANK CHARGES) are services.
 */
export function departmentOf(stockCode: string): string {
  return /^\d{5}/.test(stockCode) ? `D${stockCode.slice(0, 2)}` : 'SERVICES';
}

const COUNTRIES: Readonly<Record<Exclude<Region, 'OTHER'>, string>> = {
  EMEA: `United Kingdom, EIRE, Ireland, Channel Islands, France, Germany, Belgium, Netherlands, Luxembourg, Spain, Portugal,
    Italy, Malta, Greece, Cyprus, Switzerland, Austria, Denmark, Norway, Sweden, Finland, Iceland, Poland, Czech Republic,
    Hungary, Romania, Bulgaria, Lithuania, Latvia, Estonia, European Community, Turkey, Israel, Lebanon, Saudi Arabia,
    United Arab Emirates, Bahrain, Egypt, Morocco, Nigeria, Kenya, RSA, South Africa`,
  AMER: `USA, United States, Canada, Mexico, Brazil, Argentina, Chile, Colombia, Peru, West Indies, Bermuda`,
  APAC: `Australia, New Zealand, Japan, Korea, China, Hong Kong, Taiwan, Singapore, Malaysia, Thailand, Vietnam, Indonesia,
    Philippines, India`,
};

const REGIONS = new Map(
  Object.entries(COUNTRIES).flatMap(([region, countries]) =>
    countries.split(/,\s+/).map((country) => [country.toLowerCase(), region as Region] as const),
  ),
);
