/** A unit was refused before it changed anything. Engines commit the units beside it. */
export class UnitRefused extends Error {}
