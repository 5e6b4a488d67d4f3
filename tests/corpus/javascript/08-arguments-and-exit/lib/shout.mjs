export const shout = (text) => text.toLocaleUpperCase('de') + '!';
